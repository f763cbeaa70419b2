import { test } from 'tap';
import { firstWindow, ReceiveWindow, windowBudget } from '../../../../src/core/ssh/link/receive-window.ts';

test('a window doubles while its reader keeps up, to 2 MiB', (t) => {
  const window = new ReceiveWindow(windowBudget());
  t.equal(window.grant(firstWindow, 0, 0), 0, 'nothing is granted while more than half is left');
  const sizes: number[] = [];
  for (let n = 0; n < 9; n += 1) sizes.push(window.grant(0, 0, 0) / firstWindow);
  t.same(sizes, [2, 4, 8, 8, 8, 8, 8, 8, 8]);
  t.end();
});

test('a reader that is away is granted nothing, and falls back to the first window', (t) => {
  const budget = windowBudget();
  const all = budget.spare;
  const window = new ReceiveWindow(budget);
  window.grant(0, 0, 0);
  window.grant(0, 0, 0);
  t.equal(all - budget.spare, 3 * firstWindow);
  t.equal(window.grant(0, 1, 0), 0);
  t.equal(window.grant(0, 0, 900), 8 * firstWindow, 'a short absence costs nothing');
  t.equal(window.grant(0, 1, 2_000), 0);
  t.equal(window.grant(0, 0, 3_500), 2 * firstWindow, 'after a long one it begins anew');
  window.release();
  t.equal(budget.spare, all);
  t.end();
});

test('the channels of one link share what goes beyond their first windows', (t) => {
  const budget = windowBudget();
  const windows = Array.from({ length: 100 }, () => new ReceiveWindow(budget));
  for (let n = 0; n < 10; n += 1) for (const window of windows) window.grant(0, 0, 0);
  t.ok(budget.spare >= 0 && budget.spare < firstWindow, `${budget.spare} are left`);
  for (const window of windows) window.release();
  t.equal(budget.spare, windowBudget().spare);
  t.end();
});
