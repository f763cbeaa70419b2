import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { type Identity, type LoadedIdentities, loadIdentities } from '../../../../src/core/ssh/identity/identity.ts';
import { hostConfig } from '../../../fixtures/host-config.ts';
import { startSshAgent } from '../../../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const load = (over: Partial<HostConfig>): Promise<LoadedIdentities> => {
  return loadIdentities(hostConfig(over), new AbortController().signal);
};

async function faultOf(over: Partial<HostConfig>): Promise<Fault> {
  return load(over).then(
    () => new Fault('INTERNAL', 'nothing was thrown'),
    (error: unknown) => Fault.from(error),
  );
}

const shown = (identities: readonly Identity[]) => identities.map((one) => `${one.kind} ${one.fingerprint}`);

test('key files of each kind and form are read', async (t) => {
  const dir = makeTemp(t, 'id');
  for (const type of ['ed25519', 'rsa', 'ecdsa'] as const) {
    const pair = makeKeyPair(join(dir, type), type);
    for (const form of type === 'ed25519' ? ['RFC4716'] : ['RFC4716', 'PEM', 'PKCS8']) {
      const path = join(dir, `${type}-${form}`);
      copyFileSync(pair.file, path);
      execFileSync('ssh-keygen', ['-q', '-p', '-N', '', '-m', form, '-f', path]);
      const { identities, notes } = await load({ identityFiles: [path] });
      t.strictSame(shown(identities), [`file ${pair.fingerprint}`], `${type} ${form}`);
      t.strictSame(notes, []);
    }
  }
});

test('an ed25519 key in PKCS#8 is read', async (t) => {
  const path = join(makeTemp(t, 'id'), 'k');
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', path], { stdio: 'pipe' });
  chmodSync(path, 0o600);
  const { identities } = await load({ identityFiles: [path] });
  const data = Buffer.from('x');
  const [one] = identities;
  const signature = one?.key.sign(data);
  t.ok(signature !== undefined && one?.key.verify(data, signature));
});

test('the order is that of ssh: named keys of the agent, its others, then files', async (t) => {
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => makeKeyPair(join(dir, name)));
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('no keys');
  for (const pair of [a, b, c]) agent.add(pair.file);
  const over = { agent: agent.socket, identityFiles: [d.file, c.file, b.file] };
  const named = [`agent ${b.fingerprint}`, `agent ${c.fingerprint}`];
  t.strictSame(shown((await load(over)).identities), [...named, `agent ${a.fingerprint}`, `file ${d.fingerprint}`]);
  t.strictSame(shown((await load({ ...over, identitiesOnly: true })).identities), [...named, `file ${d.fingerprint}`]);

  // The private file may be gone, or its public half be all that is named.
  rmSync(b.file);
  const only = { agent: agent.socket, identitiesOnly: true };
  t.strictSame(shown((await load({ ...only, identityFiles: [b.file] })).identities), [`agent ${b.fingerprint}`]);
  t.strictSame(shown((await load({ ...only, identityFiles: [`${b.file}.pub`] })).identities), [
    `agent ${b.fingerprint}`,
  ]);
});

test('a key that the agent holds is used from there, be its file encrypted or open to all', async (t) => {
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const pair = makeKeyPair(join(dir, 'k'));
  agent.add(pair.file);
  execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-f', pair.file]);
  const over = { agent: agent.socket, identityFiles: [pair.file] };
  const expected = { identities: [`agent ${pair.fingerprint}`], notes: [] };
  const look = async () => {
    const { identities, notes } = await load(over);
    return { identities: shown(identities), notes };
  };
  t.strictSame(await look(), expected, 'encrypted');
  chmodSync(pair.file, 0o644);
  t.strictSame(await look(), expected, 'open');
});

/** Makes a key file that cannot be used. */
type Spoil = (path: string, dir: string) => void;
const unusable: Readonly<Record<string, readonly [Spoil, RegExp]>> = {
  missing: [() => undefined, /does not exist/],
  'open to the group': [(path) => chmodSync(makeKeyPair(path).file, 0o640), /unprotected private key.*0640.*chmod 600/],
  'open to all': [(path) => chmodSync(makeKeyPair(path).file, 0o644), /unprotected private key.*0644/],
  'a folder': [(path) => mkdirSync(path), /not a regular file/],
  'a fifo': [(path) => execFileSync('mkfifo', ['-m', '600', path]), /not a regular file/],
  empty: [(path) => writeFileSync(path, '', { mode: 0o600 }), /holds no key/],
  garbage: [(path) => writeFileSync(path, Buffer.alloc(5000, 0x80), { mode: 0o600 }), /holds no key/],
  'too large': [(path) => writeFileSync(path, Buffer.alloc(2_000_000), { mode: 0o600 }), /too large/],
  truncated: [
    (path) => {
      makeKeyPair(path);
      writeFileSync(path, '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END', { mode: 0o600 });
    },
    /is damaged/,
  ],
  'broken PKCS#8': [
    (path) => writeFileSync(path, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', { mode: 0o600 }),
    /is damaged/,
  ],
  'a PuTTY key': [(path) => writeFileSync(path, 'PuTTY-User-Key-File-3: x\n', { mode: 0o600 }), /puttygen/],
  'a public key': [
    (path) => {
      const { file } = makeKeyPair(`${path}x`);
      renameSync(`${file}.pub`, path);
    },
    /is a public key/,
  ],
};

test('a file that cannot be used is named with the reason, and the others are used', async (t) => {
  const dir = makeTemp(t, 'id');
  const good = makeKeyPair(join(dir, 'good'));
  for (const [name, [spoil, text]] of Object.entries(unusable)) {
    const path = join(dir, name.replace(/\W/g, '_'));
    spoil(path, dir);
    const { identities, notes } = await load({ identityFiles: [path, good.file] });
    t.strictSame(shown(identities), [`file ${good.fingerprint}`], name);
    t.match(notes, [text], name);
    t.ok(notes[0]?.includes(path), 'it names the file');
    t.match(await faultOf({ identityFiles: [path] }), { code: 'IDENTITY_UNREADABLE', message: text }, name);
  }
});

test('a key that needs a passphrase says how to give it', async (t) => {
  const dir = makeTemp(t, 'id');
  const good = makeKeyPair(join(dir, 'good'));
  const pair = makeKeyPair(join(dir, 'locked'), 'rsa', 'secret');
  for (const form of ['RFC4716', 'PEM', 'PKCS8']) {
    execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret', '-N', 'secret', '-m', form, '-f', pair.file]);
    const message = `key ${pair.file} needs a passphrase; add it to ssh-agent: \`ssh-add ${pair.file}\``;
    t.match(await faultOf({ identityFiles: [pair.file] }), { code: 'NEEDS_ANSWER', message }, form);
    const { identities, notes } = await load({ identityFiles: [pair.file, good.file] });
    t.strictSame(shown(identities), [`file ${good.fingerprint}`]);
    t.strictSame(notes, [message]);
  }
});

test('nothing at all is a fault that says what was looked for', async (t) => {
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const over = { identityFiles: [join(dir, 'id_rsa')], identityFilesDefault: true };
  const fault = await faultOf(over);
  t.equal(fault.code, 'IDENTITY_UNREADABLE');
  t.match(fault.message, /no identity for box: there is no ssh-agent and none of ssh's default keys in ~\/.ssh exists/);
  t.match((await faultOf({ ...over, agent: agent.socket })).message, /the ssh-agent holds no key for it/);
});

test('certificates and FIDO keys of the agent are passed over by name', async (t) => {
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const [ca, user] = [makeKeyPair(join(dir, 'ca')), makeKeyPair(join(dir, 'user'))];
  execFileSync('ssh-keygen', ['-q', '-s', ca.file, '-I', 'id', '-n', 'me', `${user.file}.pub`], { stdio: 'pipe' });
  agent.add(user.file);
  const { identities, notes } = await load({ agent: agent.socket });
  t.strictSame(shown(identities), [`agent ${user.fingerprint}`]);
  t.match(notes, [/ssh-ed25519-cert-v01@openssh.com\) is a certificate, which is not supported yet/]);
});

async function serve(t: Test, answer: Buffer | null | 'close'): Promise<string> {
  const socket = join(makeTemp(t, 'agent'), 's');
  const server = createServer((stream) => {
    stream.on('error', () => undefined);
    if (answer === 'close') stream.destroy();
    else if (answer !== null) stream.once('data', () => stream.write(answer));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => server.close());
  return socket;
}

test('an agent that misbehaves is a note beside files and a fault without them', async (t) => {
  const dir = makeTemp(t, 'id');
  const good = makeKeyPair(join(dir, 'good'));
  const plain = join(dir, 'plain');
  writeFileSync(plain, '');
  const huge = Buffer.from([0xff, 0xff, 0xff, 0xff]);
  const cases: readonly [string, string, RegExp][] = [
    ['missing', join(dir, 'none'), /does not exist/],
    ['no socket', plain, /is no socket/],
    ['relative', 'agent.sock', /no absolute path/],
    ['a pipe of another system', '\\\\.\\pipe\\x & calc', /no absolute path/],
    ['too long', join(dir, 'x'.repeat(120)), /longer than 107 bytes/],
    ['closes', await serve(t, 'close'), /closed the connection|cannot be reached/],
    ['refuses', await serve(t, Buffer.from([0, 0, 0, 1, 5])), /refused/],
    ['answers something else', await serve(t, Buffer.from([0, 0, 0, 1, 6])), /none/],
    ['breaks off', await serve(t, Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 9])), /breaks off/],
    [
      'lies about a length',
      await serve(t, Buffer.from([0, 0, 0, 9, 12, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])),
      /breaks off/,
    ],
    ['answers without end', await serve(t, huge), /4294967295 bytes/],
  ];
  for (const [name, agent, text] of cases) {
    const { identities, notes } = await load({ agent, identityFiles: [good.file] });
    t.strictSame(shown(identities), [`file ${good.fingerprint}`], name);
    t.match(notes, [text], name);
    const over = { agent, identityFiles: [join(dir, 'id_rsa')], identityFilesDefault: true };
    t.match(await faultOf(over), { code: 'AGENT_UNREACHABLE', message: text }, name);
  }
});

test('an agent that is silent is given up after 3 s', async (t) => {
  const dir = makeTemp(t, 'id');
  const good = makeKeyPair(join(dir, 'good'));
  const agent = await startSshAgent(t);
  agent.pause();
  const before = performance.now();
  const { notes } = await load({ agent: agent.socket, identityFiles: [good.file] });
  const took = performance.now() - before;
  t.match(notes, [/no answer within 3 s/]);
  t.ok(took > 2_900 && took < 6_000, `${took} ms`);
});

test('waiting for an agent ends with the signal', async (t) => {
  const socket = await serve(t, null);
  const abort = new AbortController();
  const reason = new Fault('LINK_LOST', 'stopped');
  const loading = loadIdentities(hostConfig({ agent: socket }), abort.signal);
  abort.abort(reason);
  await t.rejects(loading, reason);
});
