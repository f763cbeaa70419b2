import { join } from 'node:path';
import { test } from 'tap';
import { startSshAgent } from '../../../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { identitiesOf, logIn } from './log-in.ts';

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
  t.match(result.unsigned, { code: 'AGENT_UNREACHABLE', message: /^the ssh-agent at .* refused the request/ });
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
  const result = await logIn(sshd, { identities: [] });
  t.match(result, { entered: false, offered: [], partial: false });
  t.ok(result.methods?.includes('publickey'));
});
