import { once } from 'node:events';
import { test, type Test } from 'tap';
import { startDaemon, writeConfig } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial, fate } from '../fixtures/client.ts';
import { runTowline, startTowline } from '../fixtures/cli.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil } from '../fixtures/wait.ts';

/** A daemon with so many clients that stay. */
async function scene(t: Test, clients: number, drain: string) {
  const [sshd, echo] = [await startSshd(t), await startEcho(t)];
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], drain };
  const daemon = await startDaemon(t, sshd, { r: relay });
  await daemon.reach('r', 'connected');
  const port = await daemon.port('r');
  const open = await Promise.all(
    Array.from({ length: clients }, async () => {
      const socket = await dial(port);
      t.teardown(() => socket.destroy());
      socket.write('x');
      await once(socket, 'data');
      return socket;
    }),
  );
  const pid = daemon.cli.pid;
  return { sshd, relay, daemon, open, pid };
}

test('down says at once whom it waits for and how long at most, and in the end whom it cut', async (t) => {
  const { open, pid } = await scene(t, 2, '2s');
  const fates = open.map(fate);
  const down = startTowline(t, ['down']);
  await waitUntil('it says whom it waits for', () => down.stderr() !== '');
  t.match(
    down.stderr(),
    /^waiting for 2 open connections to end, at most [12] s; `towline down --now` cuts them at once\n$/,
  );
  t.equal(down.stdout(), '', 'it is not over');
  const { code, stdout } = await down.ended;
  t.same([code, stdout], [0, `the daemon (pid ${pid}) has ended; 2 open connections were cut\n`]);
  t.same(await Promise.all(fates), ['ECONNRESET', 'ECONNRESET']);
});

test('down says nothing of clients that left in time, and down --now what it cut', async (t) => {
  const { open, pid } = await scene(t, 1, '30s');
  const down = startTowline(t, ['down']);
  await waitUntil('it says whom it waits for', () => down.stderr() !== '');
  t.match(down.stderr(), /^waiting for one open connection to end, at most (?:29|30) s; /);
  open[0]?.end();
  t.match(await down.ended, { code: 0, stdout: `the daemon (pid ${pid}) has ended\n` });
  const next = await scene(t, 1, '30s');
  t.same(await runTowline(t, ['down', '--now']), {
    code: 0,
    stdout: `the daemon (pid ${next.pid}) has ended; one open connection was cut\n`,
    stderr: '',
  });
});

test('up --detach waits for a daemon that is still ending, and up names it', async (t) => {
  const { sshd, relay, open, pid } = await scene(t, 1, '30s');
  const down = startTowline(t, ['down']);
  await waitUntil('it drains', () => down.stderr() !== '');
  t.match(await runTowline(t, ['up']), {
    code: 75,
    stderr: new RegExp(`^towline: the towline daemon before \\(pid ${pid}, config .*\\) is still ending; wait .*`),
  });
  writeConfig(t, sshd, { next: relay });
  const up = startTowline(t, ['up', '--detach']);
  await waitUntil('it says whom it waits for', () => up.stderr() !== '');
  t.equal(
    up.stderr(),
    `waiting for the daemon before (pid ${pid}) to end, which waits for one open connection; \`towline down --now\` cuts them at once\n`,
  );
  open[0]?.end();
  t.match(await up.ended, { code: 0, stdout: /\nnext +\w+/ });
  t.equal((await down.ended).code, 0);
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
});
