import { test } from 'tap';
import { printable, printableJson, printableLength, printableLines } from '../../../src/core/model/printable.ts';

// biome-ignore format: a table is read by its columns
const rows: readonly (readonly [what: string, text: string, shown: string])[] = [
  ['plain words stay',              'dev-box: connected',          'dev-box: connected'],
  ['other alphabets stay',          'größe 東京 🚀',                'größe 東京 🚀'],
  ['a line break',                  'one\r\ntwo\tthree',           'one\\r\\ntwo\\tthree'],
  ['a colour of a terminal',        '\u001b[31mred\u001b[0m',      '\\x1b[31mred\\x1b[0m'],
  ['a window title',                '\u001b]0;owned\u0007',        '\\x1b]0;owned\\x07'],
  ['an 8-bit control',              '\u009b31m',                   '\\x9b31m'],
  ['a right-to-left override',      'user\u202etxt.exe',           'user\\u{202e}txt.exe'],
  ['an isolate and a zero width',   'a\u2066b\u200bc',             'a\\u{2066}b\\u{200b}c'],
  ['a line separator',              'a\u2028b',                    'a\\u{2028}b'],
  ['half a character',              'a\ud83db',                    'a\\u{d83d}b'],
];

for (const [what, text, shown] of rows) {
  test(`text of others is safe to show: ${what}`, async (t) => {
    t.equal(printable(text), shown);
  });
}

test('text of others is cut after 512 characters, also when escapes make it longer', async (t) => {
  t.equal(printable('x'.repeat(printableLength)).length, printableLength);
  t.equal(printable('x'.repeat(10_000)), `${'x'.repeat(printableLength - 3)}...`);
  t.equal(printable('\u001b'.repeat(400)).length, printableLength);
});

test('JSON of texts of others has the same values, and nothing that a terminal obeys', async (t) => {
  for (const [, text] of rows) {
    const shown = printableJson({ lines: [text] });
    t.match(shown, /^\{\n {2}"lines": \[\n/);
    t.notMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}](?<!\n)/u);
    t.same(JSON.parse(shown), { lines: [text] });
  }
});

test('a text of several lines keeps its line feeds and nothing else that a terminal obeys', async (t) => {
  t.equal(printableLines('one\r\ntwo\u001b[2J\n\tthree\rfour'), 'one\ntwo\\x1b[2J\n\\tthree\nfour');
  t.equal(printableLines('\n'.repeat(400)).split('\n').length, 16);
  t.ok(printableLines('\u001b'.repeat(2_000)).length <= printableLength);
});
