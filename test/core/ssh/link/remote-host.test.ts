import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { remoteHost } from '../../../../src/core/ssh/link/remote-host.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { waitUntil, within } from '../../../fixtures/wait.ts';

test('a script and its input travel on standard input; exit code and both outputs come back', async (t) => {
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  const odd = `it's "odd" $HOME \\ !x \`id\` ${'é'.repeat(3000)}`;
  const end = await host.run('cat; echo to stderr >&2; tr "\\0" " " </proc/$$/cmdline >&2; exit 7', { stdin: odd });
  t.match(end, { code: 7, stdout: odd, late: false });
  t.match(end.stderr, /^to stderr\n/);
  t.notMatch(end.stderr, /odd/, 'neither stands in an argument');
});

test('what login shells print is left out, and a shell that runs nothing is named with its words', async (t) => {
  const sshd = await startSshd(t, {
    config: ['ForceCommand sh -c "echo lecture; echo oops >&2; $SSH_ORIGINAL_COMMAND"'],
  });
  const host = remoteHost(await openTestLink(t, sshd));
  t.match(await host.run('echo word'), { stdout: 'word\n', stderr: '', code: 0 });
  const nologin = await startSshd(t, { config: ['ForceCommand echo This account is not available.'] });
  const closed = remoteHost(await openTestLink(t, nologin));
  await t.rejects(closed.run('echo word'), {
    code: 'REMOTE_REFUSED',
    message: /it said "This account is not available\."/,
  });
});

test('input may come in pieces, output as it is printed, and a signal ends both', async (t) => {
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  const stop = new AbortController();
  const heard: string[] = [];
  async function* beats(): AsyncGenerator<string> {
    for (let n = 0; ; n += 1) {
      yield `${n}\n`;
      await sleep(10);
    }
  }
  const run = host.run('while read -r n; do echo "got $n"; done', {
    stdin: beats(),
    signal: stop.signal,
    onStdout: (chunk) => heard.push(chunk.toString()),
  });
  await waitUntil('some answers', () => heard.join('').includes('got 5\n'));
  stop.abort(new Error('enough'));
  await t.rejects(run, /enough/);
});

test('a script that takes too long is late, one that floods is cut, and a lost link ends it', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const host = remoteHost(link);
  t.match(await host.run('echo begun; sleep 60', { deadline: 300 }), { late: true, stdout: 'begun\n', code: null });
  const flood = await host.run('head -c 5000000 /dev/zero', { most: 1_000 });
  t.equal(flood.stdout.length, 1_000);
  const run = host.run('echo up; sleep 60', { onStdout: () => sshd.killSessions() });
  await t.rejects(within('the end', run), { code: 'LINK_LOST' });
  await t.rejects(host.run('true'), { code: 'LINK_LOST' });
});

test('files are read and written with their mode, and neither follows what it should not', async (t) => {
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  const dir = makeTemp(t, 'files');
  const file = join(dir, "a 'file'");
  const bytes = Buffer.from([0, 255, 10, 13, 1]);
  await host.writeFile(file, bytes);
  t.same(readFileSync(file), bytes);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(await host.readFile(file), bytes);
  symlinkSync(file, join(dir, 'link'));
  await t.rejects(host.writeFile(join(dir, 'link'), 'x'), { code: 'REMOTE_FILE', message: /a symlink/ });
  await t.rejects(host.readFile(join(dir, 'none')), { code: 'REMOTE_FILE', message: /none.* cannot be read: missing/ });
  await t.rejects(host.readFile(dir), { code: 'REMOTE_FILE', message: /no regular file/ });
  writeFileSync(file, Buffer.alloc(2_000));
  await t.rejects(host.readFile(file, { most: 1_000 }), { code: 'REMOTE_FILE', message: /2000 bytes, more than 1000/ });
});
