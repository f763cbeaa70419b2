import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthContext } from 'ssh2';
import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { startSshAgent } from '../../fixtures/ssh-agent.ts';
import { addSettings, runSsh } from '../../fixtures/sshd-client.ts';
import { makeKeyPair } from '../../fixtures/sshd-keys.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise, type Supervised } from '../../fixtures/supervised.ts';
import { makeUserCa } from '../../fixtures/user-ca.ts';
import { waitUntil } from '../../fixtures/wait.ts';

// What lines of ssh_config do to a relay: each is read from a file, by a worker, and felt at a real server.

const forwards = ['0:127.0.0.1:9'];
const relay = { r: { host: 'test', forwards } };

const linked = (relays: Supervised) =>
  relays.next('a link', (event) => event.type === 'link.opened', 0).then(() => relays.status('r'));

const blocked = async (relays: Supervised) => (await relays.reach('r', 'blocked')).standing.fault;

/** Ends one supervisor before the next one starts with other settings. */
async function once<T>(relays: Supervised, look: (relays: Supervised) => Promise<T>): Promise<T> {
  const seen = await look(relays);
  await relays.supervisor.close('next');
  return seen;
}

test('accept-new writes the key of a new host and serves; it is found by ssh, also hashed', async (t) => {
  const echo = await startEcho(t);
  for (const hash of ['no', 'yes']) {
    const sshd = await startSshd(t);
    rmSync(sshd.knownHostsFile);
    addSettings(sshd, 'StrictHostKeyChecking accept-new', `HashKnownHosts ${hash}`);
    const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
    const { warnings } = await relays.reach('r', 'connected');
    t.equal((await exchange(relays.port('r'), 'new')).toString(), 'new');
    t.match(warnings, [/^the new host key of .* \(ssh-ed25519 SHA256:\S+\) was added to /]);
    t.ok(warnings[0]?.includes(sshd.hostKeyFingerprint) && warnings[0].includes(sshd.knownHostsFile));
    const written = readFileSync(sshd.knownHostsFile, 'utf8');
    const name = `[127.0.0.1]:${sshd.port}`;
    if (hash === 'yes') t.match(written, /^\|1\|\S+=\|\S+= ssh-ed25519 \S+\n$/);
    else t.equal(written, `${name} ${sshd.hostKeys[0]}\n`);
    t.notOk(hash === 'yes' && written.includes('127.0.0.1'), 'a hashed line does not tell the host');
    t.match(execFileSync('ssh-keygen', ['-F', name, '-f', sshd.knownHostsFile], { encoding: 'utf8' }), /ssh-ed25519/i);
    addSettings(sshd, 'StrictHostKeyChecking yes');
    t.equal((await runSsh(sshd, 'true')).code, 0, 'ssh knows it too');
  }
});

test('StrictHostKeyChecking no counts as accept-new with a warning, and a changed key is refused all the same', async (t) => {
  const sshd = await startSshd(t);
  rmSync(sshd.knownHostsFile);
  addSettings(sshd, 'StrictHostKeyChecking no');
  const relays = await supervise(t, sshd, relay);
  const { warnings } = await linked(relays);
  await waitUntil('both are told', () => relays.status('r').warnings.length === 2);
  t.match(
    warnings[0],
    /ssh_config:2: StrictHostKeyChecking no counts as accept-new: a changed host key is always refused/,
  );
  t.equal(readFileSync(sshd.knownHostsFile, 'utf8'), `[127.0.0.1]:${sshd.port} ${sshd.hostKeys[0]}\n`);
  await sshd.swapHostKey();
  sshd.killSessions();
  t.match(await blocked(relays), { code: 'HOST_KEY_CHANGED' });
});

test('NoHostAuthenticationForLocalhost and CheckHostIP play no part: a key is asked for by name, and always', async (t) => {
  const sshd = await startSshd(t);
  const other = makeKeyPair(join(sshd.dir, 'other')).publicKey;
  addSettings(sshd, 'NoHostAuthenticationForLocalhost yes', 'CheckHostIP yes');
  rmSync(sshd.knownHostsFile);
  t.match(await once(await supervise(t, sshd, relay), blocked), { code: 'HOST_KEY_UNKNOWN' });
  writeFileSync(sshd.knownHostsFile, `[127.0.0.1]:${sshd.port} ${other}\n`);
  t.match(await once(await supervise(t, sshd, relay), blocked), { code: 'HOST_KEY_CHANGED' });
  addSettings(sshd, 'HostName localhost');
  // By its address it would be another host's.
  const name = `[localhost]:${sshd.port} ${sshd.hostKeys[0]}\n`;
  writeFileSync(sshd.knownHostsFile, `[127.0.0.1]:${sshd.port} ${other}\n${name}`);
  await once(await supervise(t, sshd, relay), linked);
});

test('a key of RevokedHostKeys is refused with its line, and the relay goes on when it stands there no more', async (t) => {
  const sshd = await startSshd(t);
  const list = join(sshd.dir, 'revoked');
  const other = makeKeyPair(join(sshd.dir, 'other')).publicKey;
  writeFileSync(list, `${other}\n${sshd.hostKeys[0]}\n`);
  addSettings(sshd, `RevokedHostKeys ${list}`);
  const relays = await supervise(t, sshd, relay);
  const fault = await blocked(relays);
  t.match(fault, { code: 'HOST_KEY_REVOKED' });
  t.ok(fault?.message.includes(`revoked at ${list}:2`), String(fault?.message));
  writeFileSync(list, `${other}\n`);
  await linked(relays);
});

test('a host that takes certificates only is reached by CertificateFile, and one that is over is named', async (t) => {
  const ca = makeUserCa(join((await startSshd(t)).dir));
  const sshd = await startSshd(t, { config: [`TrustedUserCAKeys ${ca.publicKeyFile}`, 'AuthorizedKeysFile none'] });
  t.match(await once(await supervise(t, sshd, relay), blocked), { code: 'AUTH_REJECTED' });
  const certificate = ca.sign(sshd.keyFile, { to: join(sshd.dir, 'elsewhere'), validity: '20200101:20200102' });
  addSettings(sshd, `CertificateFile ${certificate}`);
  const relays = await supervise(t, sshd, relay);
  t.match(await blocked(relays), { code: 'AUTH_REJECTED', message: /elsewhere.* has expired/ });
  const from = sshd.log().length;
  ca.sign(sshd.keyFile, { to: certificate });
  await linked(relays);
  await sshd.waitForLog(/Accepted publickey for .* ID towline-test/, from);
});

/** Takes this password only, and keeps what it was asked for by which method. */
async function startPassword(t: Parameters<typeof startRogue>[0], right: string, methods = ['publickey', 'password']) {
  const seen: string[] = [];
  const server = await startRogue(t, {
    login: (context: AuthContext) => {
      seen.push(context.method);
      if (context.method === 'password' && context.password === right) context.accept();
      else context.reject(methods as never[]);
    },
  });
  return { server, seen };
}

test('NumberOfPasswordPrompts is how often a person is asked, and then the account is left alone', async (t) => {
  const { server, seen } = await startPassword(t, 'right', ['password']);
  addSettings(server, 'NumberOfPasswordPrompts 2');
  const relays = await supervise(t, server, relay);
  t.match(await blocked(relays), { code: 'NEEDS_ANSWER', message: /`towline unlock r`/ });
  let asked = 0;
  relays.supervisor.questions.attend('r', {
    asked: ({ id }) => {
      asked += 1;
      relays.supervisor.questions.answer(id, [new Secret('wrong')]);
    },
    over: () => undefined,
  });
  const { id } = relays.supervisor.status();
  await relays.supervisor.startRelay('r');
  await relays.next('it is refused', (event) => event.type === 'lane.changed' && event.state.at === 'blocked', id);
  t.match(await blocked(relays), { code: 'AUTH_REJECTED', message: /rejected 2 answers/ });
  t.ok((relays.status('r').standing.until ?? 0) > Date.now() + 15 * 60_000);
  t.equal(asked, 2);
  t.same(
    seen.filter((method) => method === 'password'),
    ['password', 'password'],
  );
});

test('with BatchMode nobody is asked, though somebody is there', async (t) => {
  const { server, seen } = await startPassword(t, 'right', ['password']);
  addSettings(server, 'BatchMode yes');
  const relays = await supervise(t, server, relay);
  relays.supervisor.questions.attend(null, {
    asked: () => t.fail('somebody was asked'),
    over: () => undefined,
  });
  t.match(await blocked(relays), { code: 'NEEDS_ANSWER', message: /password.*BatchMode lets nobody be asked/ });
  await relays.supervisor.startRelay('r');
  await blocked(relays);
  t.notOk(seen.includes('password'));
});

test('PreferredAuthentications is the order in which a server is asked, and what it leaves out is not tried', async (t) => {
  const { server, seen } = await startPassword(t, 'right');
  addSettings(server, 'PreferredAuthentications password,publickey', 'NumberOfPasswordPrompts 1');
  const relays = await supervise(t, server, relay);
  t.match(await blocked(relays), { code: 'NEEDS_ANSWER' });
  t.same(seen, ['none'], 'the password goes first, and there is none yet');
  seen.length = 0;
  relays.supervisor.questions.attend('r', {
    asked: ({ id }) => relays.supervisor.questions.answer(id, [new Secret('wrong')]),
    over: () => undefined,
  });
  const { id } = relays.supervisor.status();
  await relays.supervisor.startRelay('r');
  await relays.next('it is refused', (event) => event.type === 'lane.changed' && event.state.at === 'blocked', id);
  t.same(seen, ['none', 'password', 'publickey']);
  await relays.supervisor.close('next');

  seen.length = 0;
  addSettings(server, 'PreferredAuthentications publickey');
  t.match(await once(await supervise(t, server, relay), blocked), { code: 'AUTH_REJECTED' });
  t.same(seen, ['none', 'publickey']);
});

test('the algorithms of ssh_config are agreed on, and what towline lacks of them is a warning in status', async (t) => {
  const sshd = await startSshd(t, { config: ['LogLevel DEBUG1'], hostKeys: ['ed25519', 'rsa'] });
  addSettings(
    sshd,
    'KexAlgorithms sntrup761x25519-sha512@openssh.com,diffie-hellman-group18-sha512',
    'Ciphers aes192-ctr',
    'MACs umac-64@openssh.com,hmac-sha2-256',
    'HostKeyAlgorithms sk-ssh-ed25519@openssh.com,rsa-sha2-256',
  );
  const relays = await supervise(t, sshd, relay);
  await linked(relays);
  const log = sshd.log();
  t.match(log, /kex: algorithm: diffie-hellman-group18-sha512/);
  t.match(log, /kex: host key algorithm: rsa-sha2-256/);
  t.match(log, /kex: client->server cipher: aes192-ctr MAC: hmac-sha2-256 /);
  t.match(relays.status('r').warnings, [
    /^KexAlgorithms of .* names what towline does not know and leaves out: sntrup761x25519-sha512@openssh\.com$/,
    /^HostKeyAlgorithms of .*: sk-ssh-ed25519@openssh\.com$/,
    /^MACs of .*: umac-64@openssh\.com$/,
  ]);
  await relays.supervisor.close('next');
  addSettings(sshd, 'KexAlgorithms sntrup761x25519-sha512@openssh.com');
  t.match(await once(await supervise(t, sshd, relay), blocked), {
    code: 'SSH_CONFIG_INVALID',
    message: /^KexAlgorithms of .* leaves nothing that towline knows \(sntrup761x25519-sha512@openssh\.com\)/,
  });
});

test('AddressFamily and BindAddress decide from where a server is reached, and a family that it lacks is named', async (t) => {
  const sshd = await startSshd(t, { config: ['ListenAddress ::1'] });
  const known = (name: string) => writeFileSync(sshd.knownHostsFile, `[${name}]:${sshd.port} ${sshd.hostKeys[0]}\n`);
  const from = async (lines: readonly string[]) => {
    addSettings(sshd, ...lines);
    const at = sshd.log().length;
    await once(await supervise(t, sshd, relay), linked);
    return (await sshd.waitForLog(/Connection from (\S+) port/, at))[1];
  };
  known('localhost');
  t.equal(await from(['HostName localhost', 'AddressFamily inet']), '127.0.0.1');
  known('::1');
  t.equal(await from(['HostName ::1', 'AddressFamily inet6']), '::1');
  known('127.0.0.1');
  t.equal(await from(['HostName 127.0.0.1', 'AddressFamily any', 'BindAddress 127.0.0.2']), '127.0.0.2');
  for (const [lines, fault] of [
    [['AddressFamily inet6'], { code: 'NAME_NOT_FOUND', message: /has no address of AddressFamily inet6/ }],
    [
      ['AddressFamily any', 'BindAddress 192.0.2.1'],
      { code: 'CONNECT_FAILED', message: /BindAddress 192\.0\.2\.1 is no/ },
    ],
  ] as const) {
    addSettings(sshd, ...lines);
    const relays = await supervise(t, sshd, relay);
    const waiting = await relays.next(
      'a wait',
      (event) => event.type === 'lane.changed' && event.state.at === 'waiting',
    );
    t.match(waiting, { state: { fault } });
    await relays.supervisor.close('next');
  }
});

test('RequiredRSASize keeps a small key of ours from being offered, and one of the host from being trusted', async (t) => {
  const sshd = await startSshd(t, { hostKeys: ['rsa'] });
  const small = makeKeyPair(join(sshd.dir, 'small'), 'rsa');
  sshd.allowKey(small.publicKey);
  addSettings(sshd, `IdentityFile ${small.file}`, 'RequiredRSASize 3072');
  t.match(await once(await supervise(t, sshd, relay), blocked), {
    code: 'HOST_KEY_WEAK',
    message: /is an RSA key of 2048 bits, and RequiredRSASize is 3072/,
  });
  const strong = await startSshd(t);
  strong.revokeKeys();
  strong.allowKey(small.publicKey);
  addSettings(strong, `IdentityFile ${small.file}`, 'RequiredRSASize 3072');
  const fault = await once(await supervise(t, strong, relay), blocked);
  t.match(fault, { code: 'AUTH_REJECTED', message: /small .*RequiredRSASize/ });
  addSettings(strong, 'RequiredRSASize 2048');
  await once(await supervise(t, strong, relay), linked);
});

test('Match exec is asked anew for each attempt of a relay, in the environment of the daemon', async (t) => {
  const [sshd, port] = [await startSshd(t), await freePort()];
  const office = join(sshd.dir, 'office');
  process.env['TOWLINE_TEST_OFFICE'] = office;
  t.teardown(() => {
    delete process.env['TOWLINE_TEST_OFFICE'];
  });
  const text = readFileSync(sshd.sshConfigFile, 'utf8');
  const asked = `${office}.asked`;
  const match = `Match originalhost test exec "echo %h-%n-%p >>${asked}; test ! -e $TOWLINE_TEST_OFFICE"\n  Port ${port}\n`;
  writeFileSync(sshd.sshConfigFile, `${match}${text}`);
  const relays = await supervise(t, sshd, relay);
  const waiting = await relays.next('a wait', (event) => event.type === 'lane.changed' && event.state.at === 'waiting');
  t.match(waiting, { state: { fault: { code: 'CONNECT_REFUSED', message: new RegExp(`127\\.0\\.0\\.1:${port}`) } } });
  writeFileSync(office, '');
  const { lanes } = await linked(relays);
  t.ok(lanes[0]?.link?.remote.endsWith(`:${sshd.port}`));
  t.match(readFileSync(asked, 'utf8'), /^(?:test-test-22\n){2,}$/);
});

test('ForwardAgent yes forwards no agent: the server is not asked, though there is a session and an agent', async (t) => {
  const sshd = await startSshd(t, { config: ['LogLevel DEBUG3'] });
  const echo = await startEcho(t);
  const agent = await startSshAgent(t);
  addSettings(sshd, 'ForwardAgent yes', `IdentityAgent ${agent.socket}`);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  // The link runs `true` there: a session, in which ssh would ask for it.
  await sshd.waitForLog(/server_input_channel_req: channel \d+ request exec/);
  t.equal((await exchange(relays.port('r'), 'agent')).toString(), 'agent');
  t.notMatch(sshd.log(), /auth-agent/);
  const from = sshd.log().length;
  t.equal((await runSsh(sshd, 'true')).code, 0);
  await sshd.waitForLog(/request auth-agent-req@openssh\.com/, from);
});
