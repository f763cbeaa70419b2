import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'ssh2';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { type Identity, loadIdentities } from '../../../../src/core/ssh/identity/identity.ts';
import { overhearJudgement } from '../../../../src/core/ssh/internals.ts';
import { createAuth } from '../../../../src/core/ssh/login/auth.ts';
import { resolveHost } from '../../../../src/core/ssh/resolve/resolve.ts';
import { hop, hostConfig } from '../../../fixtures/host-config.ts';
import { startSshAgent } from '../../../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { type Sshd, startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const { signal } = new AbortController();
const nobody = () => Promise.reject(new Fault('NEEDS_ANSWER', 'nobody is there to answer; ask later'));

/** What ssh_config would give for this sshd, with other lines first. */
async function identitiesOf(sshd: Sshd, lines: readonly string[], agent: string | null): Promise<readonly Identity[]> {
  const file = join(sshd.dir, 'client');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const env = agent === null ? {} : { SSH_AUTH_SOCK: agent };
  const host = await resolveHost('127.0.0.1', { sshConfig: file, home: sshd.dir, localUser: sshd.user, env });
  return (await loadIdentities(host, signal)).identities;
}

/** Logs in for real; what came of it. */
async function logIn(sshd: Sshd, identities: readonly Identity[]) {
  const client = new Client();
  const auth = createAuth(
    hop({ identities, host: hostConfig({ user: sshd.user }) }),
    {
      ask: () => {
        client.end();
        return nobody();
      },
      fail: () => client.end(),
    },
    signal,
  );
  const errors: string[] = [];
  client.on('error', (error) => errors.push(`${error.level}: ${error.message}`));
  const ended = new Promise<boolean>((resolve) => {
    client.on('ready', () => resolve(true));
    client.on('close', () => resolve(false));
  });
  client.connect({
    host: '127.0.0.1',
    port: sshd.port,
    username: sshd.user,
    hostVerifier: () => true,
    authHandler: auth.handler,
  });
  overhearJudgement(client, auth.judged);
  const entered = await ended;
  client.end();
  return {
    entered,
    errors,
    offered: auth.offered,
    methods: auth.methods(),
    partial: auth.partial(),
    unsigned: auth.unsigned()?.code ?? null,
  };
}

test('a key file of each type logs in', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  for (const type of ['ed25519', 'rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type);
    sshd.allowKey(pair.publicKey);
    const result = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${pair.file}`], null));
    t.match(result, { entered: true, errors: [] }, type);
    t.strictSame(result.offered, [`${pair.publicKey.split(' ')[0]} ${pair.fingerprint} (${pair.file})`]);
  }
});

test('a key of the agent of each type logs in', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  for (const type of ['ed25519', 'rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type);
    sshd.allowKey(pair.publicKey);
    agent.clear();
    agent.add(pair.file);
    const result = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${dir}/none`], agent.socket));
    t.match(result, { entered: true, errors: [] }, type);
    t.strictSame(result.offered, [`${pair.publicKey.split(' ')[0]} ${pair.fingerprint} (agent: towline-test)`]);
  }
});

test('IdentitiesOnly finds its key among nine of the agent', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const pairs = Array.from({ length: 9 }, (_, i) => makeKeyPair(join(dir, `k${i}`)));
  for (const pair of pairs) agent.add(pair.file);
  const last = pairs.at(-1);
  if (last === undefined) throw new Error('no keys');
  sshd.allowKey(last.publicKey);

  const lines = ['IdentitiesOnly yes', `IdentityFile ${last.file}.pub`];
  const one = await logIn(sshd, await identitiesOf(sshd, lines, agent.socket));
  t.match(one, { entered: true, errors: [] });
  t.equal(one.offered.length, 1);

  const all = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${dir}/none`], agent.socket));
  t.equal(all.entered, false, 'as with ssh, the server gives up first');
  t.equal(all.offered.length, 6);

  const named = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${last.file}`], agent.socket));
  t.match(named, { entered: true, errors: [] });
  t.equal(named.offered.length, 1, 'a named key of the agent comes first');
});

test('keys are offered in the order of `ssh -v`', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => makeKeyPair(join(dir, name)).file);
  for (const file of [a, b, c]) agent.add(String(file));
  for (const only of ['yes', 'no']) {
    const files = [d, c, sshd.keyFile, b, `${dir}/none`].map((file) => `IdentityFile ${file}`);
    const identities = await identitiesOf(sshd, [...files, `IdentitiesOnly ${only}`], agent.socket);
    const theirs = await sshOrder(sshd, agent.socket);
    t.ok(theirs.length >= 4);
    t.strictSame(
      identities.map((one) => one.fingerprint),
      theirs,
      `IdentitiesOnly ${only}`,
    );
  }
});

/** Fingerprints in the order in which ssh would try them, with the config that was written last. */
function sshOrder(sshd: Sshd, agent: string): Promise<readonly string[]> {
  const options = [
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    `UserKnownHostsFile=${sshd.knownHostsFile}`,
    '-o',
    'BatchMode=yes',
  ];
  const args = ['-v', '-N', '-F', join(sshd.dir, 'client'), ...options, '-p', String(sshd.port), '127.0.0.1'];
  const env = { ...process.env, SSH_AUTH_SOCK: agent };
  const ssh = spawn('ssh', args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve) => {
    let said = '';
    ssh.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Authenticated to')) ssh.kill();
    });
    ssh.on('close', () =>
      resolve([...said.matchAll(/Will attempt key: .*(SHA256:\S+)/g)].map(([, found]) => String(found))),
    );
  });
}

test('a rejected login says what was offered', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const [a, b] = [makeKeyPair(join(dir, 'a')), makeKeyPair(join(dir, 'b'), 'rsa')];
  agent.add(a.file);
  const result = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${b.file}`], agent.socket));
  t.equal(result.entered, false);
  t.strictSame(result.offered, [
    `ssh-ed25519 ${a.fingerprint} (agent: towline-test)`,
    `ssh-rsa ${b.fingerprint} (${b.file})`,
  ]);
  t.match(result.errors, [/^client-authentication: /]);
  t.ok(result.methods?.includes('publickey'));
});

test('an agent that lost the key is passed over', async (t) => {
  const sshd = await startSshd(t);
  const agent = await startSshAgent(t);
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'k'));
  sshd.allowKey(pair.publicKey);
  agent.add(pair.file);
  const identities = await identitiesOf(sshd, [`IdentityFile ${sshd.keyFile}`], agent.socket);
  agent.clear();
  const result = await logIn(sshd, identities);
  t.equal(result.entered, true, 'by the file');
  t.match(result.errors, [/^agent: the ssh-agent at .* refused the request/]);
  t.equal(result.offered.length, 2);
});

test('a server that wants more than a key says so', async (t) => {
  const sshd = await startSshd(t, {
    config: ['AuthenticationMethods publickey,keyboard-interactive', 'KbdInteractiveAuthentication yes'],
  });
  const result = await logIn(sshd, await identitiesOf(sshd, [`IdentityFile ${sshd.keyFile}`], null));
  t.match(result, { entered: false, partial: true, methods: ['keyboard-interactive'] });
});

test('without an identity it asks for the methods only', async (t) => {
  const sshd = await startSshd(t);
  const result = await logIn(sshd, []);
  t.match(result, { entered: false, offered: [], partial: false });
  t.ok(result.methods?.includes('publickey'));
});
