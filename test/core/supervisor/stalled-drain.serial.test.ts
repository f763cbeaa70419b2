import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';

test('a shared worker that stalls over the end of a drain ends the lane before, and not the next one', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const plugin = join(makeTemp(t, 'stall'), 'stall.mjs');
  // Longer than a drain of nothing and the grace after it, shorter than what counts as hung.
  writeFileSync(
    plugin,
    `export default { name: 'stall', relay: () => ({ observe({ type }) {
  if (type === 'relay.restarting') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
} }) };\n`,
    { mode: 0o600 },
  );
  const one = { host: 'test', isolation: 'shared', drain: '0s', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { a: { ...one, plugins: [plugin] }, b: one });
  await Promise.all([relays.reach('a', 'connected'), relays.reach('b', 'connected')]);
  const worker = relays.worker('b');
  for (const round of ['once', 'twice']) {
    const from = relays.supervisor.status().id;
    await relays.supervisor.restartRelay('a');
    await relays.next(
      'its new lane is up',
      (event) => event.type === 'lane.changed' && event.relay === 'a' && event.state.at === 'up',
      from,
    );
    t.equal((await exchange(relays.port('a'), round)).toString(), round);
  }
  t.equal((await exchange(relays.port('b'), 'unharmed')).toString(), 'unharmed');
  t.equal(relays.worker('b'), worker, 'in the worker that stalled');
});
