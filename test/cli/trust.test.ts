import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { exchange } from '../fixtures/client.ts';
import { cliEnv, homeOf, runTowline } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import { type CommandResult, runSsh } from '../fixtures/sshd-client.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { Transcript } from '../fixtures/transcript.ts';
import { within } from '../fixtures/wait.ts';
import { MAIN } from '../fixtures/main-file.ts';

/** Runs `towline trust` on a terminal of its own; each answer is typed when it is asked for. */
async function onTerminal(
  t: Owner,
  args: readonly string[],
  answers: readonly string[],
  passphrase: string | null = null,
): Promise<CommandResult> {
  const words = [process.execPath, MAIN, 'trust', ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', words, '/dev/null'], { env: cliEnv(t), cwd: homeOf(t), stdio: 'pipe' });
  t.teardown(() => void child.kill('SIGKILL'));
  const shown = new Transcript('towline trust on a terminal');
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => shown.append(chunk));
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  if (passphrase !== null) {
    await shown.waitFor(/trust: Enter passphrase for key '.*': /);
    child.stdin.write(`${passphrase}\r`);
  }
  for (const answer of answers) {
    const from = passphrase === null ? shown.text.length : 0;
    await shown.waitFor(/\(yes\/no\/\[fingerprint\]\)\? |no or the fingerprint: /, { from });
    child.stdin.write(answer);
  }
  const code = await within('the end of towline trust', ended);
  return { code, stdout: shown.text, stderr: '' };
}

/** An sshd of which nothing is known yet. */
async function startStranger(t: Owner, options: Parameters<typeof startSshd>[1] = {}): Promise<Sshd> {
  const sshd = await startSshd(t, options);
  rmSync(sshd.knownHostsFile);
  return sshd;
}

const knownAs = (sshd: Sshd) => `[127.0.0.1]:${sshd.port} ${sshd.hostKeys[0]}\n`;

test('a new key is shown and written once somebody agrees, and then it is known', async (t) => {
  const sshd = await startStranger(t);
  const trust = (...more: readonly string[]) => runTowline(t, ['trust', '-F', sshd.sshConfigFile, 'test', ...more]);
  const { hostKeyFingerprint: right, knownHostsFile: file } = sshd;
  const wrong = makeKeyPair(join(makeTemp(t), 'k')).fingerprint;

  const alone = await trust();
  t.equal(alone.code, 76);
  t.match(alone.stderr, new RegExp(`ssh-ed25519 ${right.replace(/[+/]/g, '.')}\n`));
  t.ok(alone.stderr.includes(`it would be written to ${file} as [127.0.0.1]:${sshd.port}\n`));
  t.match(alone.stderr, /nobody is there to be asked.*give --fingerprint SHA256:\S+ \[HOST_KEY_UNKNOWN\]/);

  const other = await trust('--fingerprint', wrong);
  t.equal(other.code, 76);
  t.match(other.stderr, /is ssh-ed25519 SHA256:\S+, not SHA256:\S+; nothing was written.*\[HOST_KEY_UNKNOWN\]/);
  t.notOk(existsSync(file), 'nothing is written until then');

  const agreed = await trust('--fingerprint', `${right}=`);
  t.equal(agreed.code, 0, agreed.stderr);
  t.match(agreed.stdout, /is trusted now: ssh-ed25519 SHA256:\S+ was added to /);
  t.equal(readFileSync(file, 'utf8'), knownAs(sshd));
  const again = await trust();
  t.match(again, { code: 0, stderr: '' });
  t.ok(again.stdout.endsWith(`is known: ssh-ed25519 ${right} at ${file}:1\n`), again.stdout);
  t.equal(readFileSync(file, 'utf8'), knownAs(sshd), 'nothing is written twice');
  t.equal((await runSsh(sshd, 'true')).code, 0, 'the real ssh knows it too');

  rmSync(file);
  const json = await trust('--yes', '--json');
  t.match(JSON.parse(json.stdout), {
    host: 'test',
    keys: [
      {
        type: 'ssh-ed25519',
        fingerprint: right,
        name: `[127.0.0.1]:${sshd.port}`,
        result: 'written',
        file,
        line: null,
      },
    ],
  });
  t.match(JSON.parse((await trust('--json')).stdout), { keys: [{ result: 'known', file, line: 1 }] });
});

test('on a terminal yes or the fingerprint agree, what is neither is asked again, and anything else refuses', async (t) => {
  const sshd = await startStranger(t);
  const args = ['-F', sshd.sshConfigFile, 'test'];
  const answers: readonly (readonly [readonly string[], number])[] = [
    [['no\n'], 76],
    [['\n'], 76],
    [['y\n', 'n\n', 'no\n'], 76],
    [['SHA256:x\n', '\n'], 76],
    [[`${sshd.hostKeyFingerprint}x\n`, '\u0004'], 76],
    [['\u0004'], 76],
    [['\u0003'], 76],
    [['yes\n'], 0],
    [['y\n', ' YES \n'], 0],
    [[`${sshd.hostKeyFingerprint}\n`], 0],
  ];
  for (const [typed, code] of answers) {
    rmSync(sshd.knownHostsFile, { force: true });
    const { code: ended, stdout } = await onTerminal(t, args, typed);
    t.equal(ended, code, JSON.stringify(typed));
    t.ok(stdout.includes(sshd.hostKeyFingerprint));
    t.equal(existsSync(sshd.knownHostsFile), code === 0, JSON.stringify(typed));
    if (code !== 0) t.match(stdout, /was not trusted; nothing was written \[HOST_KEY_UNKNOWN\]/);
  }
});

test('a changed, revoked or unreadable key is refused and never asked about', async (t) => {
  const sshd = await startStranger(t);
  const other = makeKeyPair(join(makeTemp(t), 'k'));
  const rows: readonly (readonly [string, RegExp])[] = [
    [`[127.0.0.1]:${sshd.port} ${other.publicKey}\n`, /ssh-keygen -R '\[127.*known_hosts:1 \[HOST_KEY_CHANGED\]/],
    [`@revoked * ${sshd.hostKeys[0]}\n`, /is revoked at \S+known_hosts:1;.*\[HOST_KEY_REVOKED\]/],
    [`${knownAs(sshd)}@revoked * ${sshd.hostKeys[0]}\n`, /\[HOST_KEY_REVOKED\]/],
  ];
  for (const [text, message] of rows) {
    writeFileSync(sshd.knownHostsFile, text);
    for (const agreed of [['--yes'], ['--fingerprint', sshd.hostKeyFingerprint], []]) {
      const { code, stdout, stderr } = await runTowline(t, ['trust', '-F', sshd.sshConfigFile, 'test', ...agreed]);
      t.match({ code, stdout }, { code: 76, stdout: '' });
      t.match(stderr, message);
      t.notMatch(stderr, /would be written/);
      t.equal(readFileSync(sshd.knownHostsFile, 'utf8'), text);
    }
  }
  rmSync(sshd.knownHostsFile);
  mkdirSync(sshd.knownHostsFile);
  const { code, stderr } = await runTowline(t, ['trust', '-F', sshd.sshConfigFile, 'test', '--yes']);
  t.equal(code, 76);
  t.match(stderr, /\[KNOWN_HOSTS_UNREADABLE\]/);
});

test('a host that only an authority vouches for may be trusted by its own key', async (t) => {
  const sshd = await startStranger(t);
  const authority = `@cert-authority * ${makeKeyPair(join(makeTemp(t), 'ca')).publicKey}\n`;
  writeFileSync(sshd.knownHostsFile, authority);
  const { code, stderr } = await runTowline(t, ['trust', '-F', sshd.sshConfigFile, 'test', '--yes']);
  t.equal(code, 0);
  t.match(stderr, /is trusted only through a certificate authority:/);
  t.equal(readFileSync(sshd.knownHostsFile, 'utf8'), `${authority}${knownAs(sshd)}`);
});

test('the host to be trusted is offered nothing: no user name, no key, and no agent is asked', async (t) => {
  const sshd = await startStranger(t, { config: ['LogLevel DEBUG3'] });
  const dir = makeTemp(t);
  let asked = 0;
  const agent = createServer((client) => {
    asked += 1;
    client.destroy();
  });
  agent.listen(join(dir, 'agent'));
  await once(agent, 'listening');
  t.teardown(() => agent.close());
  const config = readFileSync(sshd.sshConfigFile, 'utf8');
  // A key that cannot even be read is no hindrance.
  const odd = join(dir, 'ssh_config');
  writeFileSync(
    odd,
    config
      .replace(/IdentityFile .*/, 'IdentityFile /nowhere/id')
      .replace('IdentitiesOnly yes', `IdentityAgent ${join(dir, 'agent')}`),
  );
  const from = sshd.log().length;
  const { code } = await runTowline(t, ['trust', '-F', odd, 'test', '--yes']);
  t.equal(code, 0);
  await sshd.waitForLog(/Disconnected from .*\[preauth\]|Connection closed by|Connection reset/, from);
  const log = sshd.log().slice(from);
  t.equal(asked, 0);
  t.match(log, /SSH2_MSG_KEXINIT/, 'the log would tell');
  t.notMatch(log, /userauth-request|SSH2_MSG_NEWKEYS received|service_request/);
});

test('jump hosts are trusted first, hop by hop, and what is known on the way is not asked about', async (t) => {
  const [first, second] = [await startStranger(t), await startStranger(t)];
  const dir = makeTemp(t);
  const [config, file] = [join(dir, 'ssh_config'), join(dir, '.ssh/known_hosts')];
  second.allowKey(first.publicKey);
  const host = (name: string, sshd: Sshd, more = '') =>
    `Host ${name}\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${sshd.user}\n  IdentityFile ${first.keyFile}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${file}\n  GlobalKnownHostsFile /dev/null\n${more}`;
  writeFileSync(config, `${host('gate', first)}${host('inner', second, '  ProxyJump gate\n')}`);
  const trust = (...more: readonly string[]) => runTowline(t, ['trust', '-F', config, 'inner', ...more]);

  const pinned = await trust('--fingerprint', second.hostKeyFingerprint);
  t.equal(pinned.code, 76, 'a fingerprint is that of the host, not of those before it');
  t.match(pinned.stderr, /hop 1 \(.*is not known, and nobody is there to be asked; trust that host first/);

  // The gate is logged in to with a key that needs its passphrase.
  mkdirSync(join(dir, '.ssh'), { mode: 0o700 });
  writeFileSync(file, knownAs(first), { mode: 0o600 });
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'horse', '-f', first.keyFile]);
  const alone = await trust('--yes');
  t.match(alone, { code: 77, stderr: /hop 1 \(.* needs the passphrase for key .*; run this on a terminal, or load/ });
  const asked = await onTerminal(t, ['-F', config, 'inner'], ['yes\r'], 'horse');
  t.match(asked, { code: 0, stdout: /the host key of hop 2 \(.*\) is trusted now/ });
});

test('a relay that is blocked by an unknown key goes on by itself once it is trusted', async (t) => {
  const sshd = await startStranger(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const { fault } = (await relays.reach('r', 'blocked')).standing;
  t.equal(fault?.code, 'HOST_KEY_UNKNOWN');
  // The command that it prints, as it prints it.
  const command = /`towline (trust .*)`$/.exec(fault?.message ?? '')?.[1] ?? '';
  t.equal(command, `trust -F '${sshd.sshConfigFile}' test`);
  const words = command.replaceAll("'", '').split(' ');
  t.equal((await runTowline(t, [...words, '--fingerprint', sshd.hostKeyFingerprint])).code, 0);
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'again')).toString(), 'again');
});

test('what is no host, no fingerprint and no server ends with its own code', async (t) => {
  const rows: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 64, /trust needs the name of a host/],
    [['h', '--yes', '--fingerprint', `SHA256:${'x'.repeat(43)}`], 64, /--yes and --fingerprint cannot go together/],
    [['h', '--fingerprint', 'MD5:00'], 64, /is no fingerprint/],
    [['a;b'], 78, /\[HOST_INVALID\]/],
    [[`127.0.0.1:${await freePort()}`], 69, /\[CONNECT_REFUSED\]/],
    [['-F', '/nowhere', 'h'], 78, /\[SSH_CONFIG_INVALID\]/],
  ];
  for (const [words, code, message] of rows) {
    const ended = await runTowline(t, ['trust', ...words]);
    t.equal(ended.code, code, words.join(' '));
    t.match(ended.stderr, message);
  }
});
