import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import type { Word } from '../../src/core/model/state.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { exchange } from '../fixtures/client.ts';
import { ECHO_PORT, PASSWORD, type SshContainer, startContainer, TOTP_SECRET } from '../fixtures/container.ts';
import { signalAll } from '../fixtures/process-tree.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import type { Owner } from '../fixtures/temp.ts';
import { timeBasedCode } from '../fixtures/totp.ts';
import { writeConfig } from './daemon.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

const pam = ['UsePAM=yes', 'KbdInteractiveAuthentication=yes'];
const relay = { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] };

const status = (t: Owner, name: string) => daemonClient(t).status(name);
const reach = (t: Owner, name: string, word: Word) => daemonClient(t).reach(name, word, 20_000);

/** Starts a daemon in the background and ends it with the test. */
async function detach(t: Owner, host: SshContainer, relays: object, env: Record<string, string> = {}): Promise<void> {
  const up = await runTowline(t, ['up', '--detach', '--config', writeConfig(t, host, relays)], { env });
  if (up.code !== 0) throw new Error(up.stderr);
  t.teardown(() => runTowline(t, ['down', '--now']));
}

async function killWorker(t: Owner, name: string): Promise<void> {
  const pid = (await status(t, name)).lanes[0]?.pid ?? null;
  if (pid === null) throw new Error(`${name} has no worker`);
  signalAll([pid], 'SIGKILL');
  await daemonClient(t).tells('another worker', name, ({ lanes }) => ![pid, null].includes(lanes[0]?.pid ?? null));
}

/** Every file below a folder that holds the text. */
function filesWith(folder: string, text: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  if (files.length < 3) throw new Error(`${folder} has only ${files.length} files`);
  return files.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    return readFileSync(path, 'latin1').includes(text) ? [path] : [];
  });
}

test('a password by a pipe: blocked, unlocked, connected, and again after the worker was killed', async (t) => {
  const host = await startContainer(t, { config: pam });
  host.logInAs('pat');
  await detach(t, host, { db: relay, twin: relay });
  const { standing } = await reach(t, 'db', 'blocked');
  t.match(standing.fault, {
    code: 'NEEDS_ANSWER',
    message: /^pat@127\.0\.0\.1:\d+ asks for an answer to "Password:".*`towline unlock db`/,
  });
  t.match(standing.fault?.detail, { kind: 'keyboard-interactive', prompts: '"Password:"' });
  t.equal(standing.until, null, 'it waits for a person, not for a time');
  await reach(t, 'twin', 'blocked');
  t.match((await runTowline(t, ['status'])).stdout, /towline unlock db/);

  const unlocked = await runTowline(t, ['unlock', 'db'], { input: `wrong horse\n${PASSWORD}\n` });
  t.match(unlocked, { code: 0, stdout: /^db: connected, unverified\n$/, stderr: /db: that was not right, try again/ });
  const { forwards } = await reach(t, 'twin', 'connected');
  t.ok(forwards[0]?.bound, 'the same account: its answer serves the other relay too, and at once');

  await killWorker(t, 'db');
  const again = await reach(t, 'db', 'connected');
  const listen = again.forwards[0]?.listen;
  if (listen?.kind !== 'tcp') throw new Error('no port');
  t.equal((await exchange(listen.port, 'through')).toString(), 'through');
  t.match(await runTowline(t, ['unlock']), { code: 0, stdout: 'nothing waits for an answer\n' });

  const said = [
    await runTowline(t, ['status', '--json']),
    await runTowline(t, ['logs', '--json', '-n', '100000']),
    await runTowline(t, ['status', 'db']),
  ].map(({ stdout }) => stdout);
  const leaving = new AbortController();
  for await (const event of openClient(join(homeOf(t), 'run', 'towline.sock')).events(0, leaving.signal)) {
    said.push(JSON.stringify(event));
    if (event.type === 'question.answered' && event.by === 'memory') break;
  }
  t.ok(said.join('').includes('question.answered'));
  for (const text of ['wrong horse', PASSWORD]) {
    t.same(filesWith(homeOf(t), text), [], 'no file that it wrote has it');
    t.notOk(
      said.some((one) => one.includes(text)),
      'nothing that it says has it',
    );
  }
});

test('two factors are asked in one connection; the code is never sent twice, the password is kept', async (t) => {
  const host = await startContainer(t, { config: pam });
  host.logInAs('otto');
  await detach(t, host, { db: relay });
  await reach(t, 'db', 'blocked');
  const from = host.log().length;
  const unlocked = await runTowline(t, ['unlock'], { input: `${PASSWORD}\n${timeBasedCode(TOTP_SECRET)}\n` });
  t.match(unlocked, {
    code: 0,
    stdout: /^db: connected/,
    stderr: /db: \(otto@127\.0\.0\.1:\d+\) Password: \ndb: \(otto@127\.0\.0\.1:\d+\) Verification code: \n/,
  });
  t.equal(
    host
      .log()
      .slice(from)
      .match(/Connection from/g)?.length,
    1,
  );

  await killWorker(t, 'db');
  const { standing } = await reach(t, 'db', 'blocked');
  t.match(standing.fault, { code: 'NEEDS_ANSWER', message: /"Verification code:"/ }, 'the password went by itself');
  const code = await runTowline(t, ['unlock', 'db'], { input: timeBasedCode(TOTP_SECRET) });
  t.match(code, { code: 0, stdout: /^db: connected/ });
  t.notMatch(code.stderr, /Password/);
});

test('a key and a code: the key is accepted, and only the rest is asked', async (t) => {
  const config = [...pam, 'AuthenticationMethods=publickey,keyboard-interactive'];
  const host = await startContainer(t, { config });
  host.logInAs('otto', { key: true });
  await detach(t, host, { db: relay });
  const { standing } = await reach(t, 'db', 'blocked');
  t.match(standing.fault, { code: 'NEEDS_ANSWER', message: /"Password:"/ });
  t.notMatch(standing.fault?.message, /rejected every identity/);
  const input = `${PASSWORD}\n${timeBasedCode(TOTP_SECRET)}\n`;
  t.match(await runTowline(t, ['unlock', 'db'], { input }), { code: 0, stdout: /^db: connected/ });
});

test('wrong passwords are refused and not tried again; the next unlock asks anew', async (t) => {
  const host = await startContainer(t, { config: ['PasswordAuthentication=yes', 'KbdInteractiveAuthentication=no'] });
  host.logInAs('pat');
  await detach(t, host, { db: relay });
  t.match((await reach(t, 'db', 'blocked')).standing.fault, { code: 'NEEDS_ANSWER', message: /asks for a password/ });
  const wrong = await runTowline(t, ['unlock', 'db'], { input: 'a\nb\nc\nd\n' });
  t.equal(wrong.code, 77);
  t.match(wrong.stderr, /rejected 3 answers that it asked for.*\[AUTH_REJECTED\]/);
  const from = host.log().length;
  await killWorker(t, 'db');
  t.match((await reach(t, 'db', 'blocked')).standing.fault, { code: 'AUTH_REJECTED' });
  t.notMatch(host.log().slice(from), /Connection from/, 'the account is left alone');
  const none = await runTowline(t, ['unlock', 'db'], { input: '' });
  t.equal(none.code, 77);
  t.match(none.stderr, /asks for a password; give it with .*\[NEEDS_ANSWER\]/, 'no wrong answer was kept');
  t.notMatch(host.log().slice(from), /Failed password/);
  t.match(await runTowline(t, ['unlock', 'db'], { input: PASSWORD }), { code: 0, stdout: /^db: connected/ });
});

test('a daemon with a display asks by SSH_ASKPASS, once', async (t) => {
  const host = await startContainer(t, { config: pam });
  host.logInAs('pat');
  const [right, no] = ['right', 'no'].map((name) => join(homeOf(t), name));
  const calls = join(homeOf(t), 'calls');
  writeFileSync(String(right), `#!/bin/sh\nprintf '%s\\n' "$1" >>${calls}\ncat ${calls}.secret\n`, { mode: 0o700 });
  writeFileSync(`${calls}.secret`, `${PASSWORD}\n`, { mode: 0o600 });
  writeFileSync(String(no), `#!/bin/sh\necho asked >>${calls}\nexit 1\n`, { mode: 0o700 });
  await detach(t, host, { db: relay }, { SSH_ASKPASS: String(right), DISPLAY: ':0' });
  await reach(t, 'db', 'connected');
  t.match(readFileSync(calls, 'utf8'), /^\(pat@127\.0\.0\.1:\d+\) Password: \n$/);
  await killWorker(t, 'db');
  await reach(t, 'db', 'connected');
  t.equal(readFileSync(calls, 'utf8').split('\n').length, 2, 'its answer is kept');
  await runTowline(t, ['down']);

  writeFileSync(calls, '');
  await detach(t, host, { db: relay }, { SSH_ASKPASS: String(no), SSH_ASKPASS_REQUIRE: 'force' });
  await reach(t, 'db', 'blocked');
  await killWorker(t, 'db');
  await reach(t, 'db', 'blocked');
  t.equal(readFileSync(calls, 'utf8'), 'asked\n', 'who declined is not asked again by itself');
});

test('on a terminal up asks by itself, shows no answer, and Ctrl-C at the prompt ends it', async (t) => {
  const host = await startContainer(t, { config: pam });
  host.logInAs('pat');
  const file = writeConfig(t, host, { db: relay });
  const session = startOnTerminal(t, ['up', '--config', file]);
  await session.waitFor(/db: \(pat@127\.0\.0\.1:\d+\) Password: /);
  session.type(`${PASSWORD}\r`);
  await session.waitFor(/connected, unverified/);
  t.notMatch(session.shown(), /correct horse/);
  t.equal((await status(t, 'db')).standing.word, 'connected');
  session.type('\u0003');
  t.equal(await session.ended, 0);

  const second = startOnTerminal(t, ['up', '--config', file]);
  await second.waitFor(/db: \(pat@127\.0\.0\.1:\d+\) Password: /);
  t.match((await status(t, 'db')).standing, { word: 'connecting', reason: 'waiting for an answer, attempt 1' });
  second.type('\u0003');
  t.equal(await second.ended, 0);
  t.match(second.shown(), /SIGINT: ending/);
});

test('unlock on a terminal hides what is typed; who leaves it leaves the relay blocked', async (t) => {
  const host = await startContainer(t, { config: pam });
  host.logInAs('pat');
  await detach(t, host, { db: relay });
  await reach(t, 'db', 'blocked');
  const left = startOnTerminal(t, ['unlock', 'db']);
  await left.waitFor(/db: \(pat@127\.0\.0\.1:\d+\) Password: /);
  left.type('half a pass\u0003');
  t.equal(await left.ended, 130);
  await reach(t, 'db', 'blocked');
  const session = startOnTerminal(t, ['unlock', 'db']);
  await session.waitFor(/db: \(pat@127\.0\.0\.1:\d+\) Password: /);
  session.type(`x\u007f${PASSWORD}\r`);
  t.equal(await session.ended, 0);
  t.match(session.shown(), /db: connected/);
  t.notMatch(`${session.shown()}${left.shown()}`, /correct|horse|half/);
});

test('a server that does not wait long enough is named, and the relay waits for the next unlock', async (t) => {
  const host = await startContainer(t, { config: [...pam, 'LoginGraceTime=1'] });
  host.logInAs('pat');
  await detach(t, host, { db: relay });
  await reach(t, 'db', 'blocked');
  const session = startOnTerminal(t, ['unlock', 'db']);
  t.equal(await session.ended, 77);
  t.match(session.shown(), /db: \(pat@127\.0\.0\.1:\d+\) Password: /);
  t.match(session.shown(), /ended the login while an answer to "Password:" .*LoginGraceTime.*\[NEEDS_ANSWER\]/s);
  t.match((await reach(t, 'db', 'blocked')).standing, { until: null, fault: { code: 'NEEDS_ANSWER' } });
});

test('a password that has expired is told by what the server asks next, and may be changed by unlock', async (t) => {
  const host = await startContainer(t, { config: pam });
  host.logInAs('pat');
  t.match(await host.exec('chage -d 0 pat'), { code: 0 });
  await detach(t, host, { db: relay });
  await reach(t, 'db', 'blocked');
  const unlocked = await runTowline(t, ['unlock', 'db'], { input: `${PASSWORD}\n` });
  t.equal(unlocked.code, 77);
  const { fault, until } = (await reach(t, 'db', 'blocked')).standing;
  t.match(fault, {
    code: 'NEEDS_ANSWER',
    message: /You are required to change your password immediately.*Current password:/,
  });
  t.equal(until, null);
  const fresh = 'battery staple 42!';
  const changed = await runTowline(t, ['unlock', 'db'], { input: `${PASSWORD}\n${PASSWORD}\n${fresh}\n${fresh}\n` });
  t.match(changed, { code: 0, stdout: /^db: connected/ }, changed.stderr);
});
