import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { runInShell } from '../../../../src/core/ssh/resolve/run-in-shell.ts';
import { startTowline } from '../../../fixtures/cli.ts';
import { runs, signalAll } from '../../../fixtures/process-tree.ts';
import { supervise } from '../../../fixtures/supervised.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { waitUntil, within } from '../../../fixtures/wait.ts';

test('the command of a Match exec ends with the worker that waits for it', async (t) => {
  const dir = makeTemp(t);
  const [file, started] = [join(dir, 'config'), join(dir, 'started')];
  writeFileSync(file, `Match exec "echo $$ > ${started}; sleep 600; true"\n  User x\n`, { mode: 0o600 });
  const relay = { host: 'test', forwards: ['0:127.0.0.1:9'] };
  const { supervisor } = await supervise(t, { sshConfigFile: file }, { db: relay });
  await waitUntil('it runs', () => existsSync(started) && readFileSync(started, 'utf8').endsWith('\n'));
  const pid = Number(readFileSync(started, 'utf8'));
  t.teardown(() => signalAll([pid], 'SIGKILL'));
  t.ok(runs(pid));
  await supervisor.close('the test ends');
  await waitUntil('it has ended', () => !runs(pid));
});

test('the command of a Match exec ends with the command line that a Ctrl-C ends', async (t) => {
  const dir = makeTemp(t);
  const [file, started] = [join(dir, 'config'), join(dir, 'started')];
  writeFileSync(file, `Match exec "echo $$ > ${started}; sleep 600; true"\n  User x\n`, { mode: 0o600 });
  const explain = startTowline(t, ['explain', '-F', file, 'h']);
  await waitUntil('it runs', () => existsSync(started) && readFileSync(started, 'utf8').endsWith('\n'));
  const pid = Number(readFileSync(started, 'utf8'));
  t.teardown(() => signalAll([pid], 'SIGKILL'));
  t.ok(runs(pid));
  t.match(await explain.stop('SIGINT'), { code: 130 });
  await waitUntil('it has ended', () => !runs(pid));
});

test('a command that was started as a Ctrl-C came ends with it too', async (t) => {
  const started = join(makeTemp(t), 'started');
  const module = new URL('../../../../src/core/ssh/process-group.js', import.meta.url).href;
  // It does not get on for a while, as on a busy machine, when the command runs already.
  const script = `
    import { spawn } from 'node:child_process';
    import { renameSync, writeFileSync } from 'node:fs';
    import { ownGroup } from '${module}';
    ownGroup(() => {
      const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
      writeFileSync('${started}.new', String(child.pid));
      renameSync('${started}.new', '${started}');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
      return child;
    });
    setInterval(() => undefined, 1_000);`;
  const busy = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  t.teardown(() => busy.kill('SIGKILL'));
  const ended = once(busy, 'exit');
  await waitUntil('it runs', () => existsSync(started));
  const pid = Number(readFileSync(started, 'utf8'));
  t.teardown(() => signalAll([pid], 'SIGKILL'));
  busy.kill('SIGINT');
  t.same(await within('its end', ended), [null, 'SIGINT']);
  await waitUntil('the command has ended', () => !runs(pid));
});

test('what the command of a Match exec leaves in the background goes on, as with ssh', async (t) => {
  const left = join(makeTemp(t), 'left');
  t.equal(await runInShell(`sleep 600 & echo $! > ${left}`, 'config:1', process.env), true);
  const pid = Number(readFileSync(left, 'utf8'));
  t.teardown(() => signalAll([pid], 'SIGKILL'));
  t.ok(runs(pid));
});

test('a command of a Match exec that fails is named by its program: a secret may stand behind that', async (t) => {
  const end = runInShell('kill -9 $$; way --token hunter2', 'config:1', process.env);
  await t.rejects(end, {
    code: 'SSH_CONFIG_INVALID',
    message: /^config:1: the command of Match exec \(kill\) was ended by SIGKILL; correct it$/,
  });
});
