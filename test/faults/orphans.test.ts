import { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { commandOf, runs, signalAll } from '../fixtures/process-tree.ts';
import { addSettings } from '../fixtures/sshd-client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startRelays } from './relays.ts';

test('a daemon that is killed leaves no ProxyCommand either: workers that can end by themselves take theirs along', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  // It heeds neither the end of its pipes nor a polite signal.
  addSettings(sshd, `ProxyCommand sh -c 'trap "" HUP TERM; nc %h %p; sleep 61'`);
  const relays = await startRelays(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const all = relays.pids();
  t.teardown(() => signalAll(all.filter(runs), 'SIGKILL'));
  t.ok(
    all.some((pid) => /^nc /.test(commandOf(pid))),
    'the command runs',
  );
  signalAll([relays.pid], 'SIGKILL');
  await waitUntil('nobody is left', () => !all.some(runs), { timeout: 5_000 });
});
