import { test } from 'tap';
import { formatAge, formatBytes, formatDuration } from '../../src/control/quantity.ts';

const durations: readonly (readonly [number, string])[] = [
  [-5, '0 ms'],
  [43.4, '43 ms'],
  [999.4, '999 ms'],
  [999.6, '1 s'],
  [1_500, '1.5 s'],
  [9_999, '9.9 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [250_000, '4 min 10 s'],
  [3_600_000, '1 h'],
  [11_100_000, '3 h 5 min'],
  [187_200_000, '2 d 4 h'],
];

test('durations are said as people say them', async (t) => {
  for (const [ms, text] of durations) t.equal(formatDuration(ms), text, `${ms} ms`);
});

test('ages are said in whole seconds', async (t) => {
  t.equal(formatAge(900), '0 s');
  t.equal(formatAge(-1), '0 s');
  t.equal(formatAge(3_600), '3 s');
  t.equal(formatAge(250_999), '4 min 10 s');
});

test('sizes are said in powers of 1024', async (t) => {
  t.equal(formatBytes(0), '0 B');
  t.equal(formatBytes(1_023), '1023 B');
  t.equal(formatBytes(1_536), '1.5 KiB');
  t.equal(formatBytes(20 * 1024 * 1024), '20 MiB');
  t.equal(formatBytes(3 * 1024 ** 5), '3072 TiB');
});
