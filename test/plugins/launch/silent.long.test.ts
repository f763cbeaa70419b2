import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'tap';
import { HERE, launching, startClient, stateFolder } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { commandOf, processesWith, runs } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a link that is cut without a word ends its session when it has been silent for 20 s', {
  timeout: 60_000,
}, async (t) => {
  const sshd = await startSshd(t);
  const { child, run } = await startClient(t, sshd.sshConfigFile, {
    command: `exec ${HERE} http --port={port}`,
    lifetime: 'session',
  });
  const from = performance.now();
  child.kill('SIGSTOP');
  await waitUntil('its end', () => processesWith(`TOWLINE_RUN=${run}`).length === 0, { timeout: 40_000, every: 100 });
  const took = performance.now() - from;
  t.ok(took > 15_000 && took < 30_000, String(took));
});

test('a link that was cut without a word, and ends at last, does not end what another link has started meanwhile', {
  timeout: 90_000,
}, async (t) => {
  const sshd = await startSshd(t);
  const options = { command: `exec ${HERE} http --port={port}`, lifetime: 'session' };
  const { child, run } = await startClient(t, sshd.sshConfigFile, options);
  const keepers = () => processesWith(`TOWLINE_TEST_SSHD=${sshd.dir}`).filter((pid) => /keep$/.test(commandOf(pid)));
  const old = keepers();
  child.kill('SIGSTOP');
  const { up } = await launching(t, await openTestLink(t, sshd), options);
  // It waits for the end of the one that nobody gives a sign of life to.
  const next = await up();
  t.match(next, { adopted: false });
  t.same(processesWith(`TOWLINE_RUN=${run}`), []);
  t.ok(old.some(runs), 'the old keeper still listens');
  const pids = processesWith(`TOWLINE_RUN=${next.run}`);
  child.kill('SIGKILL');
  await waitUntil('the end of the old keeper', () => !old.some(runs));
  t.same(processesWith(`TOWLINE_RUN=${next.run}`), pids);
  t.notOk(existsSync(join(stateFolder(sshd.home, 'box'), 'ending')));
});
