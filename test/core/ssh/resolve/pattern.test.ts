import { test } from 'tap';
import { matchPattern, matchPatterns } from '../../../../src/core/ssh/resolve/pattern.ts';

const cases: readonly [string, string, boolean][] = [
  ['', '', true],
  ['', '*', true],
  ['', '?', false],
  ['a', '', false],
  ['abc', 'abc', true],
  ['abc', 'ABC', false],
  ['abc', 'a?c', true],
  ['ac', 'a?c', false],
  ['abcabd', '*ab?', true],
  ['abcabd', '*abc', false],
  ['10.0.0.7', '10.0.*.7', true],
  ['a.b', 'a[.]b', false],
  ['[h]:22', '[h]:*', true],
  ['a*', 'a*', true],
  ['aXbXc', '*X*X*', true],
  ['abc', 'abc**', true],
];

test('a pattern knows * and ? and nothing else', async (t) => {
  for (const [text, pattern, matches] of cases) t.equal(matchPattern(text, pattern), matches, `${text} ~ ${pattern}`);
});

test('no pattern takes long', async (t) => {
  const before = performance.now();
  t.equal(matchPattern('a'.repeat(2_000), `${'*a'.repeat(200)}*b`), false);
  const took = performance.now() - before;
  t.ok(took < 1_000, `${took} ms`);
});

test('a negated pattern beats every other, wherever it stands', async (t) => {
  t.equal(matchPatterns('h', ['*', '!h']), 'negated');
  t.equal(matchPatterns('h', ['!h', '*']), 'negated');
  t.equal(matchPatterns('h', ['!z']), 'no');
  t.equal(matchPatterns('h', ['!z', 'h']), 'yes');
  t.equal(matchPatterns('h', []), 'no');
});
