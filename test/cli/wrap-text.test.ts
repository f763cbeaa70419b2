import { test } from 'tap';
import { foldLines, wrapText } from '../../src/cli/wrap-text.ts';

// biome-ignore format: a table is read by its columns
const rows: readonly (readonly [text: string, width: number, lines: readonly string[]])[] = [
  ['',                                  10, ['']],
  ['one two three',                     7,  ['one two', 'three']],
  ['one two three',                     13, ['one two three']],
  ['a word-that-is-too-long stays',     8,  ['a', 'word-that-is-too-long', 'stays']],
  ["run `ssh-keygen -R 'x y'`, then b", 12, ['run', "`ssh-keygen -R 'x y'`,", 'then b']],
  ['an open ` quote is no command',     12, ['an open `', 'quote is no', 'command']],
];

for (const [text, width, lines] of rows) {
  test(`"${text}" in ${width} columns`, async (t) => t.strictSame(wrapText(text, width), lines));
}

test('the first line may have less room than those below it', async (t) => {
  t.strictSame(wrapText('one two three four', 9, 3), ['one', 'two three', 'four']);
});

test('each line of a text goes on below its beginning, and one that fits stays as it is', async (t) => {
  const text = '  key  AAAA\n  see `towline status dev-box`, then go on\ndone\n';
  t.equal(foldLines(text, 30), '  key  AAAA\n  see\n    `towline status dev-box`,\n    then go on\ndone\n');
  t.equal(foldLines(text, Number.POSITIVE_INFINITY), text);
});
