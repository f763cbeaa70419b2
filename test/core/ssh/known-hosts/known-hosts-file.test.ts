import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { appendLine, locateKnownHosts, takeBack } from '../../../../src/core/ssh/known-hosts/known-hosts-file.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const add = async (file: string, line: string) => appendLine(await locateKnownHosts(file), line);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('file and folder are born private, whatever the umask', async (t) => {
  const home = makeTemp(t, 'kh');
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  const file = join(home, '.ssh/known_hosts');
  await add(file, 'one');
  t.equal(modeOf(file), '600');
  t.equal(modeOf(join(home, '.ssh')), '700');
  await add(file, 'two');
  t.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  chmodSync(file, 0o644);
  await add(file, 'three');
  t.equal(modeOf(file), '644', 'what is there keeps the mode that its user gave it');
  await t.rejects(add(join(home, 'other/known_hosts'), 'x'), { code: 'KNOWN_HOSTS_UNWRITABLE', message: /\(ENOENT\)/ });
  t.notOk(existsSync(join(home, 'other')), 'as with ssh no other folder is made');
});

test('no file is made first and made private afterwards: the kernel saw the mode at birth', async (t) => {
  const home = makeTemp(t, 'kh');
  const module = fileURLToPath(new URL('../../../../src/core/ssh/known-hosts/known-hosts-file.js', import.meta.url));
  const script = `process.umask(0); const { appendLine, locateKnownHosts } = await import(${JSON.stringify(module)});
    await appendLine(await locateKnownHosts(${JSON.stringify(join(home, '.ssh/known_hosts'))}), 'x')`;
  const trace = join(home, 'trace');
  const node = [process.execPath, '--input-type=module', '-e', script];
  execFileSync('strace', ['-f', '-o', trace, '-e', 'trace=openat,mkdir,mkdirat,chmod,fchmod,fchmodat', ...node]);
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${home}/.ssh`));
  t.ok(
    calls.some((line) => /mkdir(at)?\(.*\.ssh", 0700\)/.test(line)),
    calls.join('\n'),
  );
  t.ok(
    calls.some((line) => /openat\(.*known_hosts", O_RDWR\|O_CREAT\|.*O_APPEND.*O_NOFOLLOW.*, 0600\)/.test(line)),
    calls.join('\n'),
  );
  t.notOk(readFileSync(trace, 'utf8').includes('chmod'), 'nothing changes a mode');
});

test('a last line without newline is not joined with the new one', async (t) => {
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  for (const [before, after] of [
    ['', 'x\n'],
    ['a', 'a\nx\n'],
    ['a\n', 'a\nx\n'],
    ['a\r\n', 'a\r\nx\n'],
    ['\n', '\nx\n'],
  ] as const) {
    writeFileSync(file, before);
    await add(file, 'x');
    t.equal(readFileSync(file, 'utf8'), after, JSON.stringify(before));
  }
});

test("the user's own symlinks are followed, also to a file that is not there yet", async (t) => {
  const home = makeTemp(t, 'kh');
  mkdirSync(join(home, 'dotfiles'));
  mkdirSync(join(home, '.ssh'));
  symlinkSync('../dotfiles/link', join(home, '.ssh/known_hosts'));
  symlinkSync(join(home, 'dotfiles/known_hosts'), join(home, 'dotfiles/link'));
  await add(join(home, '.ssh/known_hosts'), 'x');
  t.equal(readFileSync(join(home, 'dotfiles/known_hosts'), 'utf8'), 'x\n');
  t.ok(lstatSync(join(home, '.ssh/known_hosts')).isSymbolicLink());
  symlinkSync('loop', join(home, 'loop'));
  await t.rejects(locateKnownHosts(join(home, 'loop')), { code: 'KNOWN_HOSTS_UNSAFE', message: /too many symlinks/ });
  symlinkSync('/dev/null', join(home, 'null'));
  t.equal(await locateKnownHosts(join(home, 'null')), '/dev/null');
});

test('a symlink of another user is not followed', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const home = makeTemp(t, 'kh');
  const file = join(home, 'known_hosts');
  writeFileSync(join(home, 'victim'), 'mine\n');
  symlinkSync('victim', file);
  lchownSync(file, 12_345, 12_345);
  await t.rejects(add(file, 'x'), { code: 'KNOWN_HOSTS_UNSAFE', message: /symlink of another user \(uid 12345\)/ });
  t.equal(readFileSync(join(home, 'victim'), 'utf8'), 'mine\n');
});

test('what became a symlink in the last moment is refused', async (t) => {
  const home = makeTemp(t, 'kh');
  writeFileSync(join(home, 'victim'), 'mine\n');
  symlinkSync('victim', join(home, 'known_hosts'));
  await t.rejects(appendLine(join(home, 'known_hosts'), 'x'), {
    code: 'KNOWN_HOSTS_UNSAFE',
    message: /became a symlink/,
  });
  t.equal(readFileSync(join(home, 'victim'), 'utf8'), 'mine\n');
});

test('what is no file is not written to, and never waited for', async (t) => {
  const home = makeTemp(t, 'kh');
  execFileSync('mkfifo', [join(home, 'fifo')]);
  await t.rejects(add(join(home, 'fifo'), 'x'), { code: 'KNOWN_HOSTS_UNSAFE', message: /is not a regular file/ });
  await t.rejects(add(home, 'x'), { code: 'KNOWN_HOSTS_UNWRITABLE', message: /\(EISDIR\)/ });
  t.strictSame(readdirSync(home), ['fifo']);
});

test('a full disk leaves no half line behind', async (t) => {
  // The kernel's own full device takes not one byte; a limit on the size of files takes some.
  const home = makeTemp(t, 'kh');
  const file = join(home, 'known_hosts');
  writeFileSync(file, `${'a'.repeat(1_000)}\n`);
  const module = fileURLToPath(new URL('../../../../src/core/ssh/known-hosts/known-hosts-file.js', import.meta.url));
  const script = `process.on('SIGXFSZ', () => undefined); const { appendLine } = await import(${JSON.stringify(module)});
    await appendLine(${JSON.stringify(file)}, 'b'.repeat(1_000)).then(() => console.log('written'), (error) => console.log(error.code))`;
  const said = execFileSync('sh', [
    '-c',
    'ulimit -f "$0"; exec "$@"',
    '3',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]);
  t.equal(String(said), 'KNOWN_HOSTS_UNWRITABLE\n');
  t.equal(readFileSync(file, 'utf8'), `${'a'.repeat(1_000)}\n`);
});

test('half a line on a full disk is cut off, and never what ssh wrote beside it', async (t) => {
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const left = async (text: string) => {
    writeFileSync(file, text);
    const handle = await open(file, 'a+');
    await takeBack(handle, 4, Buffer.from('hal'));
    await handle.close();
    return readFileSync(file, 'utf8');
  };
  t.equal(await left('old\nhal'), 'old\n');
  t.equal(await left('old\nhaltheirs\n'), 'old\nhaltheirs\n\n');
  t.equal(await left('old\ntheirs\nhal'), 'old\ntheirs\nhal\n');
});
