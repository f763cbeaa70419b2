import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { expandGlob } from '../../../../src/core/ssh/resolve/glob.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const patterns = [
  '*',
  'a*',
  '?',
  '[ab]',
  '[!a]',
  '[a-c].conf',
  '.*onf',
  '*.conf',
  'd/*',
  '*/x',
  'd/../a',
  'none*',
  'a',
  '[',
  '[]]',
  '*[',
  'a+b',
  '(c)',
  'x\\y',
];

test('a pattern names the files that a shell would', async (t) => {
  const dir = makeTemp(t, 'glob');
  for (const name of ['a', 'b', 'c', 'a.conf', 'b.conf', 'z.conf', '.conf', '[', ']', 'a+b', '(c)'])
    writeFileSync(join(dir, name), '');
  mkdirSync(join(dir, 'd'));
  writeFileSync(join(dir, 'd/x'), '');
  symlinkSync('nowhere', join(dir, 'dangling'));
  for (const pattern of patterns) {
    const { files } = await expandGlob(join(dir, '.').concat('/', pattern));
    t.strictSame(new Set(files), new Set(await shell(dir, pattern)), pattern);
    t.strictSame(files, [...files].sort(), `${pattern} is sorted`);
  }
});

/** What `sh` makes of the pattern, with everything else quoted. */
async function shell(dir: string, pattern: string): Promise<readonly string[]> {
  const quoted = pattern.replace(/[^\w*?[\]!^./-]/g, "'$&'");
  const script = `for f in ${quoted}; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\\0' "$f"; fi; done`;
  const printed = execFileSync('sh', ['-c', script], { cwd: dir, encoding: 'utf8' });
  return printed
    .split('\0')
    .filter((name) => name !== '' && name !== '.' && name !== '..')
    .map((name) => join(dir, name));
}

test('the folders that were searched are named', async (t) => {
  const dir = makeTemp(t, 'glob');
  t.strictSame(await expandGlob(`${dir}/no*`), { files: [], folders: [dir] });
});
