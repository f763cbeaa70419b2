import { test } from 'tap';
import { Pace } from '../../../../src/core/ssh/link/pace.ts';
import {
  firstWindow,
  ReceiveWindow,
  spareOfRelay,
  windowBudget,
} from '../../../../src/core/ssh/link/receive-window.ts';

const quick = (): Pace => new Pace(() => undefined);
const windowOf = (budget = windowBudget(), pace = quick()): ReceiveWindow =>
  new ReceiveWindow(budget, pace, firstWindow);

test('a window doubles while its reader keeps up, to 2 MiB', (t) => {
  const window = windowOf();
  t.equal(window.grant(firstWindow, 0, 0), 0, 'nothing is granted while more than half is left');
  const sizes: number[] = [];
  for (let n = 0; n < 9; n += 1) sizes.push(window.grant(0, 0, 0) / firstWindow);
  t.same(sizes, [2, 4, 8, 8, 8, 8, 8, 8, 8]);
  t.end();
});

test('a reader that is away is granted nothing, and falls back to the first window', (t) => {
  const budget = windowBudget();
  const window = windowOf(budget);
  window.grant(0, 0, 0);
  window.grant(0, 0, 0);
  t.equal(spareOfRelay - budget.spare, 3 * firstWindow);
  t.equal(window.grant(0, 1, 0), 0);
  t.equal(window.grant(0, 0, 900), 8 * firstWindow, 'a short absence costs nothing');
  t.equal(window.grant(0, 1, 2_000), 0);
  t.equal(window.grant(0, 0, 3_500), 2 * firstWindow, 'after a long one it begins anew');
  window.release();
  t.equal(budget.spare, spareOfRelay);
  t.end();
});

test('the channels of one relay share what goes beyond their first windows', (t) => {
  const budget = windowBudget();
  const windows = Array.from({ length: 100 }, () => windowOf(budget));
  for (let n = 0; n < 10; n += 1) for (const window of windows) window.grant(0, 0, 0);
  t.ok(budget.spare >= 0 && budget.spare < firstWindow, `${budget.spare} are left`);
  for (const window of windows) window.release();
  t.equal(budget.spare, spareOfRelay);
  t.end();
});

test('on a link whose pings are slow a window is halved until it fits', (t) => {
  const budget = windowBudget();
  let [asked, now] = [0, 0];
  const pace = new Pace(
    () => {
      asked += 1;
      pace.asked();
    },
    () => now,
  );
  // The first answer says how long the way is.
  pace.asked()();
  const window = windowOf(budget, pace);
  now = 1_000;
  window.grant(0, 0, now);
  window.grant(0, 0, now);
  t.equal(spareOfRelay - budget.spare, 3 * firstWindow, 'it has grown before');
  t.equal(asked, 1, 'what comes is asked about');
  now += 5_000;
  const grants = [1, 2, 3, 4, 5, 6].map(() => window.grant(0, 0, now) / 1024);
  t.same(grants, [512, 256, 128, 64, 32, 32], 'it is halved until it fits, and is never too small to go on');
  t.equal(budget.spare, spareOfRelay, 'what it had more is given back');
  t.end();
});

test('where pings were slow it is granted in eighths: grants wait there, too', (t) => {
  let now = 0;
  const pace = new Pace(
    () => void pace.asked(),
    () => now,
  );
  pace.asked()();
  const window = windowOf(windowBudget(0), pace);
  t.equal(window.grant((firstWindow * 6) / 8, 0, now), 0, 'on a quick link at half of it only');
  const answered = pace.asked();
  now += 1_000;
  answered();
  t.equal(window.grant((firstWindow * 6) / 8, 0, now), (firstWindow * 2) / 8);
  t.equal(window.grant((firstWindow * 15) / 16, 0, now), 0, 'and no more often than that');
  t.end();
});
