import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange, fateOf } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSlowSigner, startSshAgent } from '../../fixtures/ssh-agent.ts';
import { addSettings, writeKnownHosts } from '../../fixtures/sshd-client.ts';
import { makeKeyPair } from '../../fixtures/sshd-keys.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a swapped host key blocks at once, resets who waits, and ends by itself when known_hosts is mended', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const old = sshd.hostKeyFingerprint;
  await sshd.swapHostKey();
  sshd.killSessions();
  const status = await relays.reach('r', 'blocked');
  const { code, message } = status.standing.fault ?? {};
  t.equal(code, 'HOST_KEY_CHANGED');
  t.ok(message?.includes(old), 'the old fingerprint');
  t.ok(message?.includes(sshd.hostKeyFingerprint), 'the new fingerprint');
  t.ok(message?.includes(`${sshd.knownHostsFile}:1`), 'file and line of the old one');
  t.match(message, /ssh-keygen -R '\[127\.0\.0\.1\]:\d+' -f '/);
  t.equal(await fateOf(relays.port('r')), 'ECONNRESET', 'nobody is kept waiting in vain');
  sshd.trustHostKeys();
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'again')).toString(), 'again');
});

test('a revoked, an unknown and an unreadable host key fail closed', async (t) => {
  const sshd = await startSshd(t);
  const known = readFileSync(sshd.knownHostsFile, 'utf8');
  const config = { r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] } };
  const rows: readonly (readonly [string, string | null, string, RegExp])[] = [
    ['revoked', `# x\n@revoked ${known}${known}`, 'HOST_KEY_REVOKED', /is revoked at \S+known_hosts:2;/],
    ['unknown', '', 'HOST_KEY_UNKNOWN', /is in no known_hosts file; .*`towline trust /],
    [
      'only through an authority',
      `@cert-authority ${known}`,
      'HOST_KEY_UNVERIFIABLE',
      /known_hosts:1\), and host certificates are not supported/,
    ],
    ['missing', null, 'HOST_KEY_UNKNOWN', /is in no known_hosts file/],
    ['unreadable', null, 'KNOWN_HOSTS_UNREADABLE', /known_hosts is not a regular file/],
  ];
  for (const [name, text, code, message] of rows) {
    rmSync(sshd.knownHostsFile, { force: true });
    if (text !== null) writeFileSync(sshd.knownHostsFile, text);
    // Also where a new key would be accepted.
    if (name === 'unreadable') {
      mkdirSync(sshd.knownHostsFile);
      addSettings(sshd, 'StrictHostKeyChecking accept-new');
    }
    const relays = await supervise(t, sshd, config);
    t.match((await relays.reach('r', 'blocked')).standing.fault, { code, message }, name);
    await relays.supervisor.close('next');
  }
  t.notMatch(sshd.log(), /Accepted|Failed publickey/, 'nobody logged in, nor tried to');
});

test('a rejected key blocks, one try only, and a new key in the file ends it', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const right = readFileSync(sshd.keyFile, 'utf8');
  sshd.revokeKeys();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const status = await relays.reach('r', 'blocked');
  t.equal(status.standing.fault?.code, 'AUTH_REJECTED');
  t.match(status.standing.fault?.message, /rejected every identity \(offered: ssh-ed25519 SHA256:\S+ \(.*id\)\)/);
  t.ok((status.standing.until ?? 0) > Date.now() + 15 * 60_000, 'the next try is 20 minutes away');
  t.equal(sshd.log().match(/Failed publickey/g)?.length, 1, 'sshd saw one refused login');
  sshd.allowKey(sshd.publicKey);
  writeFileSync(sshd.keyFile, right, { mode: 0o600 });
  await relays.reach('r', 'connected');
});

test('a key that others can read is not used, and the sentence says how to mend it', async (t) => {
  const sshd = await startSshd(t);
  chmodSync(sshd.keyFile, 0o644);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] } });
  const status = await relays.reach('r', 'blocked');
  t.match(status.standing.fault, { code: 'IDENTITY_UNREADABLE', message: /chmod 600/ });
  chmodSync(sshd.keyFile, 0o600);
  await relays.next('an attempt after the chmod', (event) => event.type === 'lane.changed' && event.state.at === 'up');
});

test('a server that forbids forwarding blocks the relay and resets its clients, until a new link finds it changed', async (t) => {
  const sshd = await startSshd(t, { config: ['AllowTcpForwarding no'] });
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] } });
  const status = await relays.reach('r', 'blocked');
  t.match(status.standing.fault, { code: 'FORWARDING_REFUSED', message: /AllowTcpForwarding, PermitOpen/ });
  t.ok((status.standing.until ?? 0) > Date.now() + 50_000, 'it is asked again after a minute');
  t.equal(await fateOf(relays.port('r')), 'ECONNRESET');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'no reconnect loop');
  // sshd reads its policy when a session begins: only a new link meets the change.
  writeFileSync(
    sshd.configFile,
    readFileSync(sshd.configFile, 'utf8').replace('AllowTcpForwarding no', 'AllowTcpForwarding yes'),
  );
  await sshd.reload();
  await relays.supervisor.startRelay('r');
  t.match((await relays.reach('r', 'degraded')).standing.fault, { code: 'TARGET_REFUSED' });
});

test('one forward of two that is forbidden degrades, and the other one works', async (t) => {
  const echo = await startEcho(t);
  const other = await freePort();
  const sshd = await startSshd(t, { config: [`PermitOpen 127.0.0.1:${echo.port}`] });
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`, `0:127.0.0.1:${other}`] },
  });
  const status = await relays.reach('r', 'degraded');
  t.match(status.standing.fault, { code: 'FORWARDING_REFUSED', detail: { target: `127.0.0.1:${other}` } });
  t.equal((await exchange(relays.port('r', 0), 'fine')).toString(), 'fine');
});

test('a backend that is down degrades the relay by name, resets its clients at once, and is noticed when it is back', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${port}`] } });
  const status = await relays.reach('r', 'degraded');
  t.match(status.standing.fault, { code: 'TARGET_REFUSED', message: /cannot reach 127\.0\.0\.1:\d+: .*refused/i });
  t.equal(await fateOf(relays.port('r'), 2_000), 'ECONNRESET');
  await startEcho(t, port);
  await relays.reach('r', 'connected');
});

test('a taken port names its owner, leaves the other relay alone, and is taken over when it is free', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const address = squatter.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const relays = await supervise(t, sshd, {
    taken: { host: 'test', forwards: [`${address.port}:127.0.0.1:${echo.port}`] },
    free: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] },
  });
  const status = await relays.reach('taken', 'degraded');
  t.match(status.standing.fault, { code: 'LISTEN_TAKEN', message: new RegExp(`in use by pid ${process.pid} `) });
  await relays.reach('free', 'connected');
  squatter.close();
  await relays.reach('taken', 'connected', 5_000);
  t.equal((await exchange(address.port, 'mine now')).toString(), 'mine now');
});

test('a server that talks and hangs up is asked after 1 and 5 s, not faster, and its words are escaped', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  let asked = 0;
  const busy = createServer((socket) => {
    asked += 1;
    socket.on('error', () => undefined);
    socket.end('Exceeded \u001b[31mMaxStartups\r\n');
  }).listen(sshd.port, '127.0.0.1');
  await once(busy, 'listening');
  t.teardown(() => busy.close());
  const relays = await supervise(t, sshd, {
    a: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] },
    b: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] },
  });
  const waiting = await relays.next(
    'the first wait',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting',
  );
  t.match(waiting, { state: { fault: { code: 'SERVER_BUSY', message: /"Exceeded \\x1b\[31mMaxStartups"/ } } });
  await relays.next(
    'the third attempt',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting' && event.state.tries.count >= 2,
    waiting.id,
  );
  t.ok(asked <= 4, `two relays asked ${asked} times`);
});

test('a port that accepts and says nothing ends with a named deadline', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  const mute = createServer((socket) => void socket.on('error', () => undefined)).listen(sshd.port, '127.0.0.1');
  await once(mute, 'listening');
  t.teardown(() => mute.close());
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`], deadlines: { greeting: '1s' } },
  });
  const waiting = await relays.next(
    'the deadline',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting',
  );
  t.match(waiting, { state: { fault: { code: 'GREETING_TIMEOUT', message: /no SSH greeting within 1 s/ } } });
});

test('a host that wants more than a key says what it wants', async (t) => {
  const sshd = await startSshd(t, {
    config: ['AuthenticationMethods publickey,keyboard-interactive', 'KbdInteractiveAuthentication yes', 'UsePAM yes'],
  });
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] } });
  const status = await relays.reach('r', 'blocked');
  t.match(status.standing.fault, { code: 'NEEDS_ANSWER', message: /keyboard-interactive/ });
});

test('an agent with nine keys and no IdentitiesOnly: the fault lists what was offered', async (t) => {
  const sshd = await startSshd(t);
  const agent = spawn('ssh-agent', ['-D', '-a', `${sshd.dir}/agent`], { stdio: 'ignore' });
  t.teardown(() => agent.kill());
  const env = { ...process.env, SSH_AUTH_SOCK: `${sshd.dir}/agent` };
  await waitUntil('the agent', () => spawnSync('ssh-add', ['-l'], { env }).status === 1);
  for (let n = 0; n < 9; n += 1) {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${sshd.dir}/extra${n}`]);
    spawnSync('ssh-add', ['-q', `${sshd.dir}/extra${n}`], { env });
  }
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(
    /IdentitiesOnly yes/,
    `IdentityAgent ${sshd.dir}/agent`,
  );
  writeFileSync(sshd.sshConfigFile, text);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] } });
  const status = await relays.reach('r', 'blocked');
  t.match(status.standing.fault, {
    code: 'AUTH_TOO_MANY',
    message: /gave up after 6 identities .*IdentitiesOnly yes" under "Host test"/,
  });
});

test('one key that a server refuses at MaxAuthTries 1 is refused, and the server is not called busy', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxAuthTries 1'] });
  sshd.revokeKeys();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${await freePort()}`] } });
  const status = await relays.reach('r', 'blocked');
  t.match(status.standing.fault, { code: 'AUTH_REJECTED' });
  t.ok((status.standing.until ?? 0) > Date.now() + 15 * 60_000);
});

test('eight relays with one bad key try it once, all say so, and all go on when it is let in', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  sshd.revokeKeys();
  const names = Array.from({ length: 8 }, (_, index) => `r${index}`);
  const one = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, Object.fromEntries(names.map((name) => [name, one])));
  for (const name of names) {
    const { fault, until } = (await relays.reach(name, 'blocked')).standing;
    t.equal(fault?.code, 'AUTH_REJECTED', name);
    t.ok((until ?? 0) > Date.now() + 15 * 60_000, `${name} says when it is tried again`);
  }
  t.equal(sshd.log().match(/Connection (?:closed|reset) by authenticating user/g)?.length, 1, 'sshd saw one of them');
  t.equal(await fateOf(relays.port('r7')), 'ECONNRESET', 'nobody waits');
  sshd.allowKey(sshd.publicKey);
  await relays.supervisor.restartRelay('r3');
  for (const name of names) await relays.reach(name, 'connected');
});

test('a relay that waits for a key in the agent goes on when it is there', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const agent = await startSshAgent(t);
  const pair = makeKeyPair(join(sshd.dir, 'secret'), 'ed25519', 'a passphrase');
  sshd.revokeKeys();
  sshd.allowKey(pair.publicKey);
  writeFileSync(
    sshd.sshConfigFile,
    readFileSync(sshd.sshConfigFile, 'utf8')
      .replace(sshd.keyFile, pair.file)
      .concat(`  IdentityAgent ${agent.socket}\n`),
  );
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  t.match((await relays.reach('r', 'blocked')).standing.fault, {
    code: 'NEEDS_ANSWER',
    message: /passphrase for key .*secret/,
  });
  // The same key without its passphrase: ssh-add asks nothing.
  execFileSync('ssh-keygen', ['-q', '-p', '-P', 'a passphrase', '-N', '', '-f', pair.file]);
  agent.add(pair.file);
  rmSync(pair.file);
  await relays.reach('r', 'connected');
});

test('an agent whose user takes his time is waited for, and one that refuses is named', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const agent = await startSshAgent(t);
  agent.add(sshd.keyFile);
  let delay = 4_000;
  const slow = await startSlowSigner(t, agent.socket, () => delay);
  const text = readFileSync(sshd.sshConfigFile, 'utf8');
  writeFileSync(
    sshd.sshConfigFile,
    `${text.replace(/ {2}Identit.*\n/g, '')}  IdentityFile ${sshd.keyFile}.pub\n  IdentityAgent ${slow}\n`,
  );
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const patient = await supervise(t, sshd, { r: { host: 'test', forwards } });
  await patient.reach('r', 'connected');
  await patient.supervisor.close('next');
  delay = 60_000;
  const hasty = await supervise(t, sshd, { r: { host: 'test', forwards, deadlines: { auth: '1s' } } });
  const { fault, until } = (await hasty.reach('r', 'blocked')).standing;
  t.match(fault, { code: 'AGENT_REFUSED', message: /gave no signature .* within 1 s; confirm in time/ });
  t.ok((until ?? 0) > Date.now() + 15 * 60_000, 'its user is not asked again and again');
});

test('a host that swapped its key for one of another type is a changed host', async (t) => {
  const sshd = await startSshd(t, { hostKeys: ['ecdsa'] });
  const other = makeKeyPair(join(sshd.dir, 'other'));
  writeKnownHosts(sshd.knownHostsFile, sshd.port, [other.publicKey]);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:127.0.0.1:9'] } });
  t.match((await relays.reach('r', 'blocked')).standing.fault, { code: 'HOST_KEY_CHANGED' });
});

test('the host key type that known_hosts has is asked for first', async (t) => {
  const sshd = await startSshd(t, { hostKeys: ['ed25519', 'rsa', 'ecdsa'] });
  for (const key of sshd.hostKeys) {
    writeKnownHosts(sshd.knownHostsFile, sshd.port, [key]);
    const link = await openTestLink(t, sshd);
    t.equal(link.fault, null, key);
  }
});

test('a variable that ssh_config names is that of the daemon, though workers do not see it', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  process.env['TOWLINE_TEST_DIR'] = sshd.dir;
  t.teardown(() => {
    delete process.env['TOWLINE_TEST_DIR'];
  });
  const text = readFileSync(sshd.sshConfigFile, 'utf8');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how ssh_config names a variable
  writeFileSync(sshd.sshConfigFile, text.replaceAll(sshd.dir, '${TOWLINE_TEST_DIR}'));
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  t.notMatch(readFileSync(`/proc/${relays.worker('r')}/environ`, 'utf8'), /TOWLINE_TEST_DIR/);
});
