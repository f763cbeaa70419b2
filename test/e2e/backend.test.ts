import { test } from 'tap';
import { BACKEND_COMMAND, type SshContainer, startContainer } from '../fixtures/container.ts';
import { runTowline } from '../fixtures/cli.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { speak } from '../fixtures/mains-client.ts';
import { startDaemon, type TestDaemon } from './daemon.ts';

// Work that goes on beside the backend shows that nobody ended it.
const command = `(while :; do echo tick >>ticks; sleep 0.1; done) & exec ${BACKEND_COMMAND} serve --port={port}`;
const relays = {
  r: {
    host: 'test',
    settle: '1s',
    forwards: ['0:backend'],
    plugins: [{ use: 'launch', recipe: 'mains', command }],
  },
};

const live =
  'for p in /proc/[0-9]*; do grep -qz ^TOWLINE_RUN= $p/environ 2>/dev/null && tr "\\0" " " <$p/cmdline && echo; done | grep -c "^node .*serve"';

/** How many backends run there. */
async function backends(container: SshContainer): Promise<number> {
  return Number((await container.exec(live)).stdout.trim());
}

async function ticks(container: SshContainer): Promise<number> {
  return Number((await container.exec('wc -l </home/dev/ticks')).stdout.trim());
}

async function up(t: Owner, container: SshContainer): Promise<{ daemon: TestDaemon; run: string }> {
  const daemon = await startDaemon(t, container, relays);
  return { daemon, run: await runOf(daemon) };
}

async function runOf(daemon: TestDaemon): Promise<string> {
  const { standing, lanes } = await daemon.reach('r', 'connected', 60_000);
  if (!standing.verified) throw new Error('connected, but the backend was not asked');
  return lanes[0]?.backend?.run ?? 'no run';
}

/** Does what ends the link, and waits for the next one. */
async function anotherLink(daemon: TestDaemon, end: () => Promise<unknown>): Promise<void> {
  const since = async () => {
    const state = (await daemon.status('r')).lanes[0]?.state;
    return state?.at === 'up' ? state.since : null;
  };
  const before = await since();
  await end();
  await waitUntil('another link', async () => ![null, before].includes(await since()), { timeout: 30_000 });
}

async function tokenOf(t: Owner): Promise<string> {
  const { stdout } = await runTowline(t, ['token', 'r', '--print']);
  return stdout.trim();
}

test('a launched backend outlives the daemon, sshd and their links: the next one finds it at work', async (t) => {
  const container = await startContainer(t);
  const first = await up(t, container);
  const token = await tokenOf(t);
  t.match(token, /^[A-Za-z0-9_-]{43}$/, '32 random bytes, base64url');
  t.equal(await speak(await first.daemon.port('r'), token, 'hello'), 'hello');
  t.equal(await speak(await first.daemon.port('r'), 'wrong', 'hello'), 401);
  const worked = await ticks(container);

  await first.daemon.cli.stop('SIGKILL');
  const second = await up(t, container);
  t.equal(second.run, first.run, 'after kill -9 of the daemon');
  t.equal(await tokenOf(t), token);

  await anotherLink(second.daemon, async () => {
    await container.exec('kill -HUP 1');
    await container.killSessions();
  });
  t.equal(await runOf(second.daemon), first.run, 'after the restart of sshd');

  t.equal(await backends(container), 1);
  await waitUntil('its work goes on', async () => (await ticks(container)) > worked);
});

test('another client finds it too, and two that launch at once leave one', async (t) => {
  const container = await startContainer(t);
  const runs: string[] = [];
  await Promise.all(
    ['one', 'two', 'three'].map((name) =>
      t.test(name, async (own) => {
        runs.push((await up(own, container)).run);
      }),
    ),
  );
  t.equal(new Set(runs).size, 1, runs.join(' '));
  t.equal(await backends(container), 1);
});

test('100 reconnects leave one backend', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  for (let lost = 0; lost < 100; lost += 1) {
    await anotherLink(daemon, () => container.killSessions());
  }
  t.equal(await runOf(daemon), run);
  t.equal(await backends(container), 1);
});

test('a backend that dies is replaced over the same link, and clients meet the new one', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  const { lanes } = await daemon.status('r');
  await container.exec('pkill -KILL -f "^node .*serve"');
  await waitUntil('another run', async () => {
    const backend = (await daemon.status('r')).lanes[0]?.backend;
    return backend != null && backend.run !== run;
  });
  await daemon.reach('r', 'connected', 30_000);
  t.equal(await speak(await daemon.port('r'), await tokenOf(t), 'again'), 'again');
  t.equal(await backends(container), 1);
  t.equal((await daemon.status('r')).lanes[0]?.link?.took, lanes[0]?.link?.took, 'the link is the same');
});

test('towline backend stop ends it for good; restart launches another', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  t.match(await runTowline(t, ['backend', 'ps', 'r']), { code: 0, stdout: new RegExp(run) });
  t.match(await runTowline(t, ['backend', 'stop', 'r', '--yes']), { code: 0 });
  const { standing } = await daemon.reach('r', 'blocked', 30_000);
  t.equal(standing.fault?.code, 'BACKEND_STOPPED');
  t.equal(await backends(container), 0);
  t.match(await runTowline(t, ['restart', 'r']), { code: 0 });
  t.not(await runOf(daemon), run);
  t.equal(await backends(container), 1);
});
