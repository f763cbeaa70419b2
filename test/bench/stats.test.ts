import { test } from 'tap';

import { gigabits, median, percentile } from '../../bench/stats.ts';

test('the median is the middle, and of an even number the mean of the two in the middle', (t) => {
  t.equal(median([9, 1, 5]), 5);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.equal(median([7]), 7);
  t.ok(Number.isNaN(median([])));
  t.end();
});

test('the median sorts numbers as numbers and leaves its input alone', (t) => {
  const values = [100, 9, 20];
  t.equal(median(values), 20);
  t.same(values, [100, 9, 20]);
  t.end();
});

test('a percentile is the nearest rank', (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.equal(percentile(hundred, 0.5), 50);
  t.equal(percentile(hundred, 0.99), 99);
  t.equal(percentile(hundred, 1), 100);
  t.equal(percentile([3, 1, 2], 0), 1);
  t.ok(Number.isNaN(percentile([], 0.5)));
  t.end();
});

test('a gigabit is 1e9 bits', (t) => {
  t.equal(gigabits(125_000_000, 1_000), 1);
  t.equal(gigabits(400_000_000, 500), 6.4);
  t.end();
});
