import { test } from 'tap';

import { parseOptions } from '../../bench/options.ts';

const sections = ['latency', 'stream', 'many'];

test('without options everything runs, five rounds', (t) => {
  t.same(parseOptions([], sections), { only: sections, rounds: 5, out: null });
  t.end();
});

test('sections run in the order of the bench, whatever the order they are named in', (t) => {
  const args = ['--only', 'stream,latency', '--rounds=3', '--out', 'r.md'];
  t.same(parseOptions(args, sections), { only: ['latency', 'stream'], rounds: 3, out: 'r.md' });
  t.end();
});

test('what is not understood is refused with the value and what to do', (t) => {
  const refusal = (...args: string[]) =>
    t.throws(() => parseOptions(args, sections), { code: 'USAGE' }, args.join(' '));
  refusal('--only', 'strem');
  refusal('--rounds', '0');
  refusal('--rounds', 'many');
  refusal('--rounds');
  refusal('--fast', '1');
  t.throws(() => parseOptions(['--only', 'strem'], sections), { message: /"strem"; the sections are latency, stream/ });
  t.end();
});
