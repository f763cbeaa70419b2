import { test } from 'tap';

import { type Figure, figure, ratio } from '../../bench/figure.ts';
import { absoluteRows, markdown, ratioRows } from '../../bench/table.ts';

const speed: Figure = {
  id: 'stream.up',
  title: 'one stream up',
  unit: 'Gbit/s',
  digits: 2,
  values: { towline: 4.5, ssh: 3, 'tunnel-ssh': 'failed' },
};

test('a ratio divides one contender by another, and is null where there is no number', (t) => {
  t.equal(ratio(speed, 'towline', 'ssh'), 1.5);
  t.equal(ratio(speed, 'tunnel-ssh', 'ssh'), null);
  t.equal(ratio(speed, 'autossh', 'ssh'), null);
  t.equal(ratio({ ...speed, values: { towline: 1, ssh: 0 } }, 'towline', 'ssh'), null, 'never divided by zero');
  t.end();
});

test('a figure of no samples says failed', (t) => {
  const samples = new Map([
    ['towline' as const, [1, 3]],
    ['ssh' as const, []],
  ]);
  const made = figure({ id: 'a', title: 'a', unit: 's', digits: 0 }, samples, (list) => list.length);
  t.same(made.values, { towline: 2, ssh: 'failed' });
  t.end();
});

test('the tables show only contenders that were measured, and ratios to ssh -N -L', (t) => {
  t.same(absoluteRows([speed]), [
    ['measure', 'unit', 'towline', 'ssh -N -L', 'tunnel-ssh'],
    ['one stream up', 'Gbit/s', '4.50', '3.00', 'failed'],
  ]);
  t.same(ratioRows([speed]), [
    ['measure', 'towline', 'tunnel-ssh'],
    ['one stream up', '1.50x', ''],
  ]);
  t.end();
});

test('a Markdown table is padded and its numbers stand to the right', (t) => {
  t.equal(
    markdown([
      ['measure', 'towline'],
      ['a', '1.00'],
    ]),
    ['| measure | towline |', '| ------- | ------: |', '| a       |    1.00 |'].join('\n'),
  );
  t.end();
});
