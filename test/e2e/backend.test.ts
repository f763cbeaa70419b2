import { test } from 'tap';
import { startContainer } from '../fixtures/container.ts';
import { runTowline } from '../fixtures/cli.ts';
import { speak } from '../fixtures/mains-client.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import type { Owner } from '../fixtures/temp.ts';
import type { TestDaemon } from './daemon.ts';
import { anotherLink, backends, runOf, saidPid, ticks, tokenOf, untilAllEnded, up, worksOn } from './launched.ts';

test('a launched backend outlives the daemon, sshd and their links: the next one finds it at work', async (t) => {
  const container = await startContainer(t);
  const first = await up(t, container);
  const token = await tokenOf(t);
  t.match(token, /^[A-Za-z0-9_-]{43}$/, '32 random bytes, base64url');
  t.equal(await speak(await first.daemon.port('r'), token, 'hello'), 'hello');
  t.equal(await speak(await first.daemon.port('r'), 'wrong', 'hello'), 401);
  const pid = await saidPid(first.daemon);
  t.ok(pid > 1, 'its own word');
  const isSame = async (owner: Owner, daemon: TestDaemon, when: string) => {
    t.equal(await runOf(daemon), first.run, when);
    t.equal(await saidPid(daemon), pid, when);
    t.match((await daemon.status('r')).lanes, [{ backend: { adopted: true, says: `pid ${pid} since ` } }], when);
    t.equal(await tokenOf(owner), token, when);
    await worksOn(container);
  };

  await first.daemon.cli.stop('SIGKILL');
  const second = await up(t, container);
  await isSame(t, second.daemon, 'after kill -9 of the daemon');

  await anotherLink(second.daemon, async () => {
    await container.exec('kill -HUP 1');
    await container.killSessions();
  });
  await isSame(t, second.daemon, 'after the restart of sshd');

  await t.test('a second client that comes later', async (own) => {
    await isSame(own, (await up(own, container)).daemon, 'from other state and runtime folders');
  });
  await isSame(t, second.daemon, 'after the second client has left');

  t.equal(await backends(container), 1);
  t.same([...new Set(await ticks(container))], [pid], 'all work was of this one');
});

test('a backend of a session ends within 5 s of kill -9 of the daemon, with all that it started', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container, { lifetime: 'session' });
  await worksOn(container);
  t.equal(await backends(container), 1);
  const killed = performance.now();
  await daemon.cli.stop('SIGKILL');
  await untilAllEnded(container);
  const took = performance.now() - killed;
  t.comment(`measured from kill -9 of the daemon to the end of its session ${Math.round(took)} ms`);
  t.ok(took < 5_000, `${took}`);
  t.equal(await backends(container), 0);
  t.not((await up(t, container, { lifetime: 'session' })).run, run);
});

test('another client finds it too, and two that launch at once leave one', async (t) => {
  const container = await startContainer(t);
  const names = ['one', 'two', 'three'];
  t.jobs = names.length;
  const found: { readonly run: string; readonly adopted: boolean }[] = [];
  let allUp: () => void = () => undefined;
  const together = new Promise<void>((resolve) => {
    allUp = resolve;
  });
  await Promise.all(
    names.map((name) =>
      t.test(name, { buffered: true }, async (own) => {
        const { daemon, run } = await up(own, container);
        found.push({ run, adopted: (await daemon.status('r')).lanes[0]?.backend?.adopted === true });
        if (found.length === names.length) allUp();
        // Whoever leaves before the others are there would have let them come one after the other.
        await within('the other two', together);
      }),
    ),
  );
  t.equal(new Set(found.map(({ run }) => run)).size, 1, JSON.stringify(found));
  t.equal(found.filter(({ adopted }) => !adopted).length, 1, 'one launched it, the others adopted it');
  t.equal(await backends(container), 1);
});

test('a backend that dies is replaced over the same link, and clients meet the new one', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  const { lanes } = await daemon.status('r');
  await container.killBackends();
  // Whoever comes now shows that it is gone, and waits for the new one.
  t.equal(await speak(await daemon.port('r'), 'any', 'hello'), 401);
  await daemon.tells('another run', 'r', ({ lanes: [lane] }) => lane?.backend != null && lane.backend.run !== run);
  await daemon.reach('r', 'connected', 30_000);
  t.equal(await speak(await daemon.port('r'), await tokenOf(t), 'again'), 'again');
  t.equal(await backends(container), 1);
  t.equal((await daemon.status('r')).lanes[0]?.link?.took, lanes[0]?.link?.took, 'the link is the same');
});

test('status says on which machine and as whom; towline backend stop ends it for good; restart launches another', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  const machine = (await container.exec('uname -n')).stdout.trim();
  await waitUntil('its name', async () => (await daemon.status('r')).lanes[0]?.machine != null);
  const { stdout } = await runTowline(t, ['status', 'r']);
  t.match(stdout, new RegExp(`^ *machine +${machine}$`, 'm'), 'is it the right machine?');
  t.match(stdout, new RegExp(`^ *link +dev@127\\.0\\.0\\.1:${container.port}, `, 'm'), 'the right user?');
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
