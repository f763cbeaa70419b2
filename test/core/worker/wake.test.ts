import { test } from 'tap';
import { type Clocks, readClocks, watchWake } from '../../../src/core/worker/wake.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** A watch over clocks that the test moves beside the real one. */
function watch(t: { teardown(end: () => void): void }, moved: { awake: number; always: number | null }) {
  const woken: number[] = [];
  let looks = 0;
  const read = (): Clocks => {
    looks += 1;
    const now = performance.now();
    return { awake: now + moved.awake, always: moved.always === null ? null : now + moved.always };
  };
  t.teardown(watchWake((asleep) => woken.push(asleep), read));
  // What keeps the test alive; the watch alone must not.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  const look = async (count = 1) => {
    const before = looks;
    await waitUntil('a look', () => looks >= before + count);
  };
  return { woken, look };
}

test('sleep, which one clock counts and the other does not, tells of a wake, once, with its length', async (t) => {
  const moved = { awake: 0, always: 5_000_000 };
  const { woken, look } = watch(t, moved);
  await look();
  moved.always += 480_000;
  await look(3);
  t.equal(woken.length, 1);
  t.ok(Math.abs((woken[0] ?? 0) - 480_000) < 1_000, `${woken}`);
});

test('a process that was stopped tells of a wake, where there is a clock of sleep and where not', async (t) => {
  for (const always of [0, null]) {
    const moved = { awake: 0, always };
    const { woken, look } = watch(t, moved);
    await look();
    moved.awake += 15_000;
    if (moved.always !== null) moved.always += 15_000;
    await look(2);
    t.equal(woken.length, 1);
    t.ok(Math.abs((woken[0] ?? 0) - 15_000) < 1_500, `${woken}`);
  }
});

test('a wall clock that is set to another time is no wake', async (t) => {
  const now = Date.now;
  t.teardown(() => {
    Date.now = now;
  });
  const woken: number[] = [];
  let looks = 0;
  const read = (): Clocks => {
    looks += 1;
    return readClocks();
  };
  t.teardown(watchWake((asleep) => woken.push(asleep), read));
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  for (const offset of [3_600_000, -7_200_000]) {
    Date.now = () => now() + offset;
    const before = looks;
    await waitUntil('a look', () => looks >= before + 2);
  }
  t.same(woken, []);
});

test('on Linux there is a clock that runs in sleep, and both run alike while awake', {
  skip: process.platform !== 'linux',
}, (t) => {
  const { awake, always } = readClocks();
  const uptime = always ?? 0;
  t.ok(uptime > awake, `${uptime} ms since the machine began, ${awake} ms of this process`);
  t.end();
});
