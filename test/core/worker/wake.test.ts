import { test } from 'tap';
import { watchWake } from '../../../src/core/worker/wake.ts';
import { within } from '../../fixtures/wait.ts';

test('time that this process did not see tells of a sleep, once', async (t) => {
  const now = Date.now;
  t.teardown(() => {
    Date.now = now;
  });
  let woken = 0;
  let heard: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    heard = resolve;
  });
  t.teardown(
    watchWake(() => {
      woken += 1;
      heard();
    }),
  );
  // What keeps the test alive; the watch alone must not.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  Date.now = () => now() + 3_600_000;
  await within('the wake', first, 5_000);
  t.equal(woken, 1);
});
