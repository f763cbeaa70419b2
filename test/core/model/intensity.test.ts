import { test } from 'tap';
import { intensity, Restarts } from '../../../src/core/model/intensity.ts';

test('a worker that ends is started again ever later, and past five ends in a minute left alone for one', (t) => {
  const restarts = new Restarts();
  const waits = [1, 2, 3, 4, 5].map((n) => restarts.ended(500, n * 1_000));
  t.same(
    waits.map(({ wait }) => wait),
    [0, 100, 250, 500, 1_000],
  );
  t.ok(waits.every(({ crashing }) => crashing === null));
  t.same(restarts.ended(500, 6_000), { crashing: 'budget', wait: intensity.rest });
  t.end();
});

test('after such a rest one try is made, until a worker has lasted or the user says that it is another one', (t) => {
  const crashed = () => {
    const restarts = new Restarts();
    for (let n = 0; n < 6; n += 1) restarts.ended(500, n * 1_000);
    return restarts;
  };
  const left = crashed();
  t.same(left.ended(500, 66_000), { crashing: 'again', wait: intensity.rest });
  t.same(left.ended(11_000, 137_000), { crashing: 'again', wait: intensity.rest });
  t.same(left.ended(12_000, 210_000), { crashing: null, wait: 0 }, 'it lasted');
  t.same(left.ended(500, 211_000), { crashing: null, wait: 100 });
  const mended = crashed();
  mended.forgive();
  t.same(mended.ended(500, 8_000), { crashing: null, wait: 0 });
  t.end();
});

test('ends that are further apart are no crashing', (t) => {
  const restarts = new Restarts();
  const seen = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => restarts.ended(12_500, n * 12_500).crashing);
  t.same(new Set(seen), new Set([null]));
  t.end();
});
