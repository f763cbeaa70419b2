import { test } from 'tap';
import { judgeSizes, type Sizes, tellSlopes } from './sizes.ts';

// The judge of a soak must be able to find that something grows, and must not where it only breathes.

const mib = 2 ** 20;
const minute = 60_000;
/** A sample each minute; noise goes up and down by so many MiB. */
function samples(count: number, one: (minutes: number) => Partial<Sizes>, noise = 30): Sizes[] {
  return Array.from({ length: count }, (_, n) => {
    const { rss = 1_500 * mib, ...rest } = one(n);
    return {
      at: n * minute,
      descriptors: 900,
      own: 84,
      processes: 17,
      ...rest,
      rss: rss + noise * mib * Math.sin(n * 2.3),
    };
  });
}
/** What a heap takes: 400 MiB, half of that in the first three minutes. */
const warming = (n: number) => ({ rss: (1_600 - 400 / (1 + n / 3)) * mib });

test('a long soak that only warms up and breathes has grown in nothing', (t) => {
  for (const minutes of [40, 60, 360]) t.same(judgeSizes(samples(minutes, warming)), [], `${minutes} minutes`);
  t.end();
});

test('what grows slowly is found by the line through the second half, where its ends tell nothing', (t) => {
  const leak = (mibPerHour: number) => judgeSizes(samples(60, (n) => ({ rss: (1_500 + (mibPerHour * n) / 60) * mib })));
  t.same(leak(40), []);
  t.match(leak(150), [/^memory grows by 1\d\d MiB an hour from 15\d\d MiB$/]);
  const two = samples(60, (n) => ({ descriptors: 900 + Math.floor(n / 20) }));
  t.match(judgeSizes(two), [/^descriptors grow by [23]\.\d an hour from 901$/]);
  t.end();
});

test('one sample that is far off at the end is no leak, and a fall is none', (t) => {
  const peak = samples(60, (n) => (n === 59 ? { rss: 1_650 * mib, descriptors: 903 } : {}));
  t.same(judgeSizes(peak), []);
  t.same(judgeSizes(samples(60, (n) => ({ rss: (1_500 - n) * mib, descriptors: 900 - n }))), []);
  t.end();
});

test('a short soak is held against its own middle: two ends and their slack', (t) => {
  const short = (last: Partial<Sizes>) => judgeSizes(samples(3, (n) => (n === 2 ? last : {}), 0));
  t.same(short({}), []);
  t.same(short({ descriptors: 920, own: 88, rss: 1_750 * mib }), []);
  t.same(short({ descriptors: 921 }), ['descriptors of all processes grew from 900 to 921']);
  t.same(short({ own: 89 }), ['descriptors of the daemon grew from 84 to 89']);
  t.same(short({ processes: 18 }), ['processes grew from 17 to 18']);
  t.same(short({ rss: 1_760 * mib }), ['memory grew from 1500 to 1760 MiB']);
  t.same(tellSlopes(samples(3, warming)), [], 'it has no line');
  t.same(judgeSizes([]), []);
  t.end();
});

test('the slopes are told with what they may be wrong by', (t) => {
  const line = samples(60, (n) => ({ rss: (1_500 + n) * mib, descriptors: 900 + n }), 0);
  t.same(tellSlopes(line), ['the second half, 30 samples: 60.0 +- 0.0 MiB and 60.0 +- 0.0 descriptors an hour']);
  t.match(tellSlopes(samples(60, () => ({}))), [
    /: -?\d+\.\d \+- [1-9]\d\.\d MiB and 0\.0 \+- 0\.0 descriptors an hour$/,
  ]);
  t.end();
});
