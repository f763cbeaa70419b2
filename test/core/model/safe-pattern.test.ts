import { test } from 'tap';
import { safeGroupPattern, safePattern } from '../../../src/core/model/safe-pattern.ts';

const safe: readonly (readonly [string, string])[] = [
  ['token=([A-Za-z0-9_-]+)', '?token=abc_-1'],
  ['\\[serve\\] pairing token: (\\S+)', '[serve] pairing token: xyz'],
  ['https?://\\S+[?&]token=([\\w-]+)', 'http://127.0.0.1:8888/?token=abc'],
  ['(?<token>[0-9a-f]{48})', 'a'.repeat(48)],
  ['^(?:one|two) [(]x[)] [*+?]{2}$', 'one (x) **'],
  ['(ab)+', 'ababab'],
  ['\\p{L}(?=!)', 'x!'],
];

test('ordinary patterns are compiled', (t) => {
  for (const [text, sample] of safe) {
    const parsed = safePattern(text);
    t.ok('value' in parsed && parsed.value.test(sample), text);
  }
  t.end();
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['(a+)+$', /repeats a group/],
  ['((a)*)*', /repeats a group/],
  ['(?:a|a)*b', /repeats a group/],
  ['(a?){30}a{30}', /repeats a group/],
  ['((?:x[)]+)){2,}', /repeats a group/],
  ['(a)\\1', /backreference/],
  ['(?<q>a)\\k<q>', /backreference/],
  ['(?<=a)b', /lookbehind/],
  ['(?<!a)b', /lookbehind/],
  ['\\w*\\w*\\w*!', /unbounded/],
  ['a{0,99}b{0,99}c{5,}', /unbounded/],
  [`${'a?'.repeat(60)}${'a'.repeat(60)}`, /too many ways/],
  [`${'(a|a)'.repeat(30)}b`, /too many ways/],
  ['(a{200}){200}', /repeats a group/],
  ['a{1000}', /more than 256 times/],
  ['a'.repeat(201), /201 characters/],
  ['(', /not a regular expression with the u flag \(unterminated group\)$/],
  ['[', /not a regular expression/],
];

test('patterns that some text could keep busy are refused with the reason', (t) => {
  for (const [text, reason] of refused) {
    const parsed = safePattern(text);
    t.match('trouble' in parsed ? parsed.trouble.message : 'accepted', reason, text);
  }
  t.end();
});

test('where a group is what is looked for, a pattern without one is refused', (t) => {
  for (const text of ['token: \\S+', '(?:a|b)', '\\(x\\)', '[(]x[)]']) {
    t.match(safeGroupPattern(text), { trouble: { message: /it has no group/, expected: /"token: \(\\S\+\)"/ } }, text);
  }
  for (const text of ['token: (\\S+)', '(?<token>x)', 'a|(b)']) t.ok('value' in safeGroupPattern(text), text);
  t.match(safeGroupPattern('(a+)+'), { trouble: { message: /repeats a group/ } });
  t.end();
});
