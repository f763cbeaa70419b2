import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { type Test, test } from 'tap';
import { processesWith, runs, signalAll } from '../fixtures/process-tree.ts';
import { runSsh } from '../fixtures/sshd-client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil } from '../fixtures/wait.ts';

test('the real ssh client logs in to the sshd by its alias', async (t) => {
  const sshd = await startSshd(t);
  const result = await runSsh(sshd, 'echo "$USER here"; exit 3');
  t.match(result, { code: 3, stdout: `${sshd.user} here\n` });
  await sshd.waitForLog(/Accepted publickey for/);
  const key = await runSsh(sshd, `ssh-keygen -lf ${join(sshd.dir, 'host_ed25519.pub')}`);
  t.match(key.stdout, sshd.hostKeyFingerprint);
});

test('a session reads the rc files of the test and never those of the user', async (t) => {
  const sshd = await startSshd(t);
  t.match(await runSsh(sshd, 'echo "$HOME"'), { stdout: `${sshd.home}\n` });
  writeFileSync(join(sshd.home, '.bashrc'), 'echo noise\n');
  t.match(await runSsh(sshd, 'bash -c ". ~/.bashrc; echo mine"'), { stdout: /noise\nmine\n$/ });
});

test('lines of the test win over the fixture and may end in a Match block', async (t) => {
  const config = ['LogLevel DEBUG1', `Match User ${process.env['USER'] ?? 'root'},root,*`, 'ForceCommand echo forced'];
  const sshd = await startSshd(t, { config, hostKeys: ['rsa', 'ecdsa'] });
  t.match(await runSsh(sshd, 'echo mine'), { code: 0, stdout: 'forced\n' });
  t.match(sshd.log(), /debug1:/);
  t.match(sshd.hostKeys, [/^ssh-rsa /, /^ecdsa-sha2-/]);
});

test('a config that sshd refuses is told with the words of sshd', async (t) => {
  await t.rejects(startSshd(t, { config: ['NoSuchKeyword yes'] }), {
    message: /Bad configuration option: NoSuchKeyword/,
  });
});

test('a key that is revoked is refused, and let in again when it is allowed', async (t) => {
  const sshd = await startSshd(t);
  sshd.revokeKeys();
  t.match(await runSsh(sshd, 'true'), { code: 255, stderr: /Permission denied/ });
  sshd.allowKey(`command="echo restricted" ${sshd.publicKey}`);
  t.match(await runSsh(sshd, 'true'), { code: 0, stdout: 'restricted\n' });
});

test('a swapped host key is refused by ssh until it is trusted', async (t) => {
  const sshd = await startSshd(t);
  const before = sshd.hostKeyFingerprint;
  await sshd.swapHostKey();
  t.not(sshd.hostKeyFingerprint, before);
  t.match(await runSsh(sshd, 'true'), { code: 255, stderr: /HOST IDENTIFICATION HAS CHANGED/ });
  sshd.trustHostKeys();
  t.match(await runSsh(sshd, 'true'), { code: 0 });
});

test('sessions are found and killed while the listener lives', async (t) => {
  const sshd = await startSshd(t);
  const session = await openSession(t, sshd.sshConfigFile);
  const pids = sshd.sessions();
  t.ok(pids.length >= 1, 'there is a session');
  t.notOk(pids.includes(sshd.pid), 'the listener is none');
  const ended = once(session, 'exit');
  sshd.killSessions();
  const [code] = await ended;
  t.equal(code, 255, 'the client lost its server');
  t.match(await runSsh(sshd, 'true'), { code: 0 }, 'the listener goes on');
});

test('stop refuses new connections on a port that start takes again', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  t.same(sshd.sessions(), []);
  const [error] = await once(connect(sshd.port, '127.0.0.1'), 'error');
  t.equal(error.code, 'ECONNREFUSED');
  await sshd.stop();
  await sshd.start();
  t.match(await runSsh(sshd, 'true'), { code: 0 });
  await t.rejects(sshd.start(), /runs already/);
});

test('a paused sshd accepts and stays silent until it is resumed', async (t) => {
  const sshd = await startSshd(t);
  sshd.pause();
  const socket = connect(sshd.port, '127.0.0.1');
  await once(socket, 'connect');
  let said = '';
  socket.on('data', (chunk) => (said += chunk));
  t.notOk(await settles(once(socket, 'data'), 200), 'no greeting while paused');
  sshd.resume();
  await waitUntil('a greeting', () => said.startsWith('SSH-2.0-'));
  socket.destroy();
});

test('a command that detached itself outlives stop and ends with the owner', async (t) => {
  const marks: number[] = [];
  await t.test('with an sshd of its own', async (inner) => {
    const sshd = await startSshd(inner);
    await runSsh(sshd, 'setsid sleep 600 >/dev/null 2>&1 </dev/null &');
    const marker = `TOWLINE_TEST_SSHD=${sshd.dir}`;
    await waitUntil('the detached command', () => processesWith(marker).length > 0);
    await sshd.stop();
    marks.push(...processesWith(marker));
    inner.ok(marks.length > 0 && marks.every(runs), 'it lives on after stop');
  });
  t.notOk(marks.some(runs), 'it is gone with the owner');
});

test('the owner takes the listener and the folder with it', async (t) => {
  let gone = { pid: 0, dir: '' };
  await t.test('with an sshd of its own', async (inner) => {
    const { pid, dir } = await startSshd(inner);
    gone = { pid, dir };
    writeFileSync(join(dir, 'more'), '');
    inner.ok(runs(pid));
  });
  t.notOk(runs(gone.pid));
  t.notOk(existsSync(gone.dir));
});

test('what a session forked and never became a command ends with the sshd, though it was stopped and its session is gone', async (t) => {
  const sshd = await startSshd(t, { config: ['Subsystem sftp internal-sftp'] });
  const client = spawn('ssh', ['-F', sshd.sshConfigFile, 'test', '-s', 'sftp'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.teardown(() => void client.kill('SIGKILL'));
  // With internal-sftp, the fork of the session goes on as the server.
  await waitUntil('the fork', () => sshd.connections().some(([, fork]) => fork !== undefined));
  const [session = 0, ...forks] = sshd.connections()[0] ?? [];
  t.same([...sshd.freezeSessions()].sort(), [session, ...forks].sort());
  signalAll([session], 'SIGKILL');
  await waitUntil('the end of the session', () => !runs(session));
  t.ok(forks.length > 0 && forks.every(runs), "it is nobody's");
  await sshd.stop();
  t.notOk(forks.some(runs));
});

async function openSession(t: Test, config: string): Promise<ReturnType<typeof spawn>> {
  const child = spawn('ssh', ['-F', config, 'test', 'echo in; sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

function settles(promise: Promise<unknown>, time: number): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), time));
  return Promise.race([promise.then(() => true), late]);
}
