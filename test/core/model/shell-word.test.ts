import { execFileSync } from 'node:child_process';
import { test } from 'tap';
import { quotedWord, shellWord } from '../../../src/core/model/shell-word.ts';

const paths = [
  '/home/me/.ssh/id',
  '/home/me/my keys/id',
  "/it's/$(id)/`id`",
  '~/x',
  '-x',
  '',
  '/a;b|c&d>e',
  '/a!b\\n"c"',
  '/*',
];

test('what a message advises to type reaches the program as it is', (t) => {
  for (const path of paths) {
    for (const word of [shellWord(path), quotedWord(path)]) {
      t.equal(execFileSync('sh', ['-c', `printf %s ${word}x`], { encoding: 'utf8' }), `${path}x`, word);
    }
  }
  t.equal(shellWord('/home/me/.ssh/id'), '/home/me/.ssh/id', 'no quotes where none are needed');
  t.equal(quotedWord('[box]:22'), "'[box]:22'");
  t.end();
});
