import { test } from 'tap';
import { longest, soak } from './soak.ts';

const minutes = 2;
/** The same each time, so that a red run can be had again; `npm run soak` draws another one. */
const seed = 2026;

test('two minutes of random faults on 20 relays: no wrong byte, nothing hangs, nothing dies, nothing grows', {
  timeout: longest(minutes),
}, async (t) => {
  const { complaints, streams, faults } = await soak(t, minutes, seed, (line) => t.comment(line));
  t.same(complaints, []);
  t.ok(faults >= 10, `${faults} faults`);
  t.ok(streams.whole > 1_000, `${streams.whole} streams`);
});
