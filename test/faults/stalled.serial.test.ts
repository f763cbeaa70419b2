import { test } from 'tap';
import { startEcho, startSource } from '../fixtures/backend.ts';
import { dial } from '../fixtures/client.ts';
import { residentSize } from '../fixtures/process-tree.ts';
import { startSshd } from '../fixtures/sshd.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { mib, usualP99 } from './crowd.ts';
import { measured } from './measure.ts';
import { startRelays } from './relays.ts';

interface Felt {
  /** What daemon and workers grew by, bytes. */
  readonly cost: number;
  /** Of a client beside them, and of one before they came, ms. */
  readonly p99: number;
  readonly alone: number;
}

/** Clients who dial a source and never read. */
async function stall(t: Owner, count: number, size: number): Promise<Felt> {
  const sshd = await startSshd(t);
  const source = await startSource(t, size);
  const echo = await startEcho(t);
  const relays = await startRelays(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${source.port}`, `0:127.0.0.1:${echo.port}`] },
  });
  const { forwards } = await relays.reach('r', 'connected');
  const [stalled = 0, lively = 0] = forwards.map(({ listen }) => (listen.kind === 'tcp' ? listen.port : 0));
  const alone = await usualP99(lively);
  const all = () => relays.pids().reduce((sum, pid) => sum + residentSize(pid), 0);
  const before = all();
  for (let n = 0; n < count; n += 1) {
    const socket = await dial(stalled);
    socket.pause();
    t.teardown(() => socket.destroy());
  }
  let last = -1;
  const still = async () => {
    const { received } = (await relays.status('r')).counters;
    const same = received === last && received > 0;
    last = received;
    return same;
  };
  await waitUntil('nothing more arrives', still, { timeout: 30_000, every: 1_500 });
  return { cost: all() - before, p99: await usualP99(lively), alone };
}

for (const [count, size, most] of [
  [1, 64, 32],
  [200, 16, 256],
] as const) {
  test(`F62: ${count} that never read cost less than ${most} MiB in all processes, and the others do not feel them`, async (t) => {
    const { cost, p99, alone } = await stall(t, count, size * 1024 * 1024);
    const shown = { others_p99: `${p99.toFixed(2)}ms`, alone_p99: `${alone.toFixed(2)}ms` };
    measured(t, 'F62', { stalled: String(count), cost: mib(cost), ...shown });
    t.ok(cost < most * 1024 * 1024, mib(cost));
    // Source, echo and clients are in this process, and share two cores with sshd and the worker: their time is in it, and so is what else the
    // machine does, which was so before.
    t.ok(p99 < Math.max(5, 2 * alone), `${p99} ms, ${alone} ms before`);
  });
}
