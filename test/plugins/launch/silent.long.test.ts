import { performance } from 'node:perf_hooks';
import { test } from 'tap';
import { HERE, startClient } from '../../fixtures/launching.ts';
import { processesWith } from '../../fixtures/process-tree.ts';
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
