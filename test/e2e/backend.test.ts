import { test } from 'tap';
import { startContainer } from '../fixtures/container.ts';
import { runTowline } from '../fixtures/cli.ts';
import { speak } from '../fixtures/mains-client.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { anotherLink, backends, runOf, ticks, tokenOf, up } from './launched.ts';

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

test('twenty reconnects leave one backend', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  for (let lost = 0; lost < 20; lost += 1) {
    await anotherLink(daemon, () => container.killSessions());
  }
  t.equal(await runOf(daemon), run);
  t.equal(await backends(container), 1);
});

test('a backend that dies is replaced over the same link, and clients meet the new one', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  const { lanes } = await daemon.status('r');
  await container.killBackends();
  // Whoever comes now shows that it is gone, and waits for the new one.
  t.equal(await speak(await daemon.port('r'), 'any', 'hello'), 401);
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
  t.match(await runTowline(t, ['backend', 'ps', 'r']), { code: 0, stdout: /^ +r: pid \d+, port \d+, since /m });
  t.match(await runTowline(t, ['backend', 'stop', 'r', '--yes']), { code: 0 });
  const standing = async () => (await daemon.status('r')).standing;
  const isFound = async () => (await standing()).fault?.code === 'BACKEND_STOPPED';
  await waitUntil('it is found stopped', isFound, { timeout: 30_000 });
  t.match(await standing(), { word: 'blocked', until: null }, 'nothing else is led to');
  t.equal(await backends(container), 0);
  t.match(await runTowline(t, ['restart', 'r']), { code: 0 });
  t.not(await runOf(daemon), run);
  t.equal(await backends(container), 1);
});
