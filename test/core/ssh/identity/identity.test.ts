import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { test, type Test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import {
  type Identity,
  identityName,
  type LoadedIdentities,
  loadIdentities,
} from '../../../../src/core/ssh/identity/identity.ts';
import { wireNumber, wireString } from '../../../../src/core/ssh/identity/key-blob.ts';
import { hostConfig } from '../../../fixtures/host-config.ts';
import { makeSecurityKey } from '../../../fixtures/security-key.ts';
import { startSoftwareAgent } from '../../../fixtures/software-agent.ts';
import { startSshAgent } from '../../../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { type CertificateOptions, makeUserCa } from '../../../fixtures/user-ca.ts';

const load = (over: Partial<HostConfig>): Promise<LoadedIdentities> => {
  return loadIdentities(hostConfig(over), new AbortController().signal);
};

async function faultOf(over: Partial<HostConfig>): Promise<Fault> {
  const { identities, lacking } = await load(over);
  return identities.length === 0 && lacking !== null ? lacking : new Fault('INTERNAL', 'nothing is lacking');
}

const shown = (identities: readonly Identity[]) =>
  identities.map(({ signer, publicKey }) => `${signer.kind} ${publicKey?.fingerprint}`);

test('the order is that of ssh: named keys of the agent, its others, then files', async (t) => {
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => makeKeyPair(join(dir, name)));
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('no keys');
  for (const pair of [a, b, c]) agent.add(pair.file);
  const over = { agent: agent.socket, identityFiles: [d.file, c.file, b.file] };
  const named = [`agent ${b.fingerprint}`, `agent ${c.fingerprint}`];
  t.strictSame(shown((await load(over)).identities), [...named, `agent ${a.fingerprint}`, `key ${d.fingerprint}`]);
  t.strictSame(shown((await load({ ...over, identitiesOnly: true })).identities), [...named, `key ${d.fingerprint}`]);

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
  missing: [
    () => undefined,
    /^(?:no identity for box: )?~\/config:7: IdentityFile (\S+\/missing) does not exist; correct the path, or make the key: `ssh-keygen -f \1`$/,
  ],
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
    const identityPlaces = { [path]: '~/config:7' };
    const { identities, notes } = await load({ identityFiles: [path, good.file], identityPlaces });
    t.strictSame(shown(identities), [`key ${good.fingerprint}`], name);
    t.match(notes, [text], name);
    t.ok(notes[0]?.includes(path), 'it names the file');
    t.match(
      await faultOf({ identityFiles: [path], identityPlaces }),
      { code: 'IDENTITY_UNREADABLE', message: text },
      name,
    );
  }
});

test('an encrypted key waits for its turn, and in batch mode says how to do without its passphrase', async (t) => {
  const dir = makeTemp(t, 'id');
  const good = makeKeyPair(join(dir, 'good'));
  const pair = makeKeyPair(join(dir, 'locked'), 'rsa', 'secret');
  for (const form of ['RFC4716', 'PEM', 'PKCS8']) {
    execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret', '-N', 'secret', '-m', form, '-f', pair.file]);
    const over = { identityFiles: [pair.file] };
    t.match(await load(over), { notes: [], lacking: null });
    t.strictSame(shown((await load(over)).identities), [`locked ${pair.fingerprint}`], form);

    const batch = { ...over, batchMode: true };
    const message = `key ${pair.file} needs a passphrase, and BatchMode forbids to ask; add it to ssh-agent: \`ssh-add ${pair.file}\``;
    t.match(await faultOf(batch), { code: 'NEEDS_ANSWER', message }, form);
    const { identities, notes } = await load({ ...batch, identityFiles: [pair.file, good.file] });
    t.strictSame(shown(identities), [`key ${good.fingerprint}`]);
    t.strictSame(notes, [message]);
  }
});

test('an encrypted key that does not tell its public half has none until it is opened', async (t) => {
  const pair = makeKeyPair(join(makeTemp(t, 'id'), 'locked'), 'rsa', 'secret');
  execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret', '-N', 'secret', '-m', 'PEM', '-f', pair.file]);
  rmSync(`${pair.file}.pub`);
  const [one] = (await load({ identityFiles: [pair.file] })).identities;
  t.match(one, { publicKey: null, source: pair.file, signer: { kind: 'locked' } });
  t.equal(one === undefined ? '' : identityName(one), pair.file, 'what it is known by');
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

test('a FIDO key file is used through the agent, and without one says so', async (t) => {
  const dir = makeTemp(t, 'id');
  const key = makeSecurityKey();
  const path = key.write(join(dir, 'id_ed25519_sk.pub')).replace(/\.pub$/, '');
  writeFileSync(path, opensshFile(key.blob), { mode: 0o600 });
  t.match(await faultOf({ identityFiles: [path] }), {
    code: 'IDENTITY_UNREADABLE',
    message: /id_ed25519_sk is a FIDO key, and towline reaches its authenticator through the agent only; `ssh-add` it/,
  });
  const agent = await startSoftwareAgent(t, [{ blob: key.blob, comment: 'touch me', sign: key.sign }]);
  const held = await load({ identityFiles: [path], agent, identitiesOnly: true });
  t.strictSame(shown(held.identities), [`agent ${key.fingerprint}`]);
  t.strictSame(held.notes, []);
});

/** Such a file's public part; the private one says nothing that anybody reads. */
function opensshFile(blob: Buffer): string {
  const none = wireString('none');
  const fields = [none, none, wireString(''), wireNumber(1), wireString(blob), wireString(Buffer.alloc(64))];
  const base64 = Buffer.concat([Buffer.from('openssh-key-v1\0'), ...fields]).toString('base64');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

test('who signs for a certificate is found as by ssh', async (t) => {
  const dir = makeTemp(t, 'id');
  const ca = makeUserCa(dir);
  const agent = await startSshAgent(t);
  const [a, b] = [makeKeyPair(join(dir, 'a')), makeKeyPair(join(dir, 'b'), 'rsa')];
  const elsewhere = ca.sign(a.file, { to: join(dir, 'elsewhere') });
  const signers = async (over: Partial<HostConfig>) =>
    (await load(over)).identities.map(({ publicKey, signer }) => `${publicKey?.type} ${signer.kind}`);

  const listed = { certificateFiles: [elsewhere] };
  const cert = 'ssh-ed25519-cert-v01@openssh.com';
  t.strictSame(await signers({ ...listed, identityFiles: [b.file, a.file] }), [
    `${cert} key`,
    'ssh-rsa key',
    'ssh-ed25519 key',
  ]);
  t.match(await faultOf(listed), {
    code: 'IDENTITY_UNREADABLE',
    message: /certificate .*elsewhere has no private key/,
  });
  agent.add(a.file);
  t.strictSame(await signers({ ...listed, agent: agent.socket }), [`${cert} agent`, 'ssh-ed25519 agent']);
  t.match(await faultOf({ ...listed, agent: agent.socket, identitiesOnly: true }), { message: /no private key/ });

  ca.sign(a.file);
  t.strictSame(await signers({ identityFiles: [a.file] }), ['ssh-ed25519 key', `${cert} key`]);
  t.strictSame(await signers({ identityFiles: [`${a.file}.pub`], agent: agent.socket, identitiesOnly: true }), [
    'ssh-ed25519 agent',
  ]);
  ca.sign(b.file, { to: `${a.file}-cert.pub` });
  const other = await load({ identityFiles: [a.file] });
  t.strictSame(shown(other.identities), [`key ${a.fingerprint}`]);
  t.match(other.notes, [/a-cert.pub is for another key than .*a; have it signed anew/]);
});

test('a certificate without a public key beside the file that signs is tied to it by name', async (t) => {
  const dir = makeTemp(t, 'id');
  const pair = makeKeyPair(join(dir, 'k'), 'rsa', 'secret');
  const certificate = makeUserCa(dir).sign(pair.file);
  execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret', '-N', 'secret', '-m', 'PEM', '-f', pair.file]);
  rmSync(`${pair.file}.pub`);
  const { identities } = await load({ identityFiles: [pair.file], certificateFiles: [certificate] });
  t.match(identities, [
    { publicKey: { certificate: {} }, signer: { kind: 'locked', path: pair.file } },
    { publicKey: null },
  ]);
});

test('certificates that are of no use are named', async (t) => {
  const dir = makeTemp(t, 'id');
  const ca = makeUserCa(dir);
  const { file, fingerprint } = makeKeyPair(join(dir, 'k'));
  const cases: readonly [CertificateOptions, RegExp, readonly string[]][] = [
    [{ kind: 'host' }, /k-cert.pub is no user's certificate but a host one/, [`key ${fingerprint}`]],
    [
      { validity: '20200101:20200102' },
      /k-cert.pub \(key ID "towline-test"\) has expired \(20\d\d-\S+Z\)/,
      [`key ${fingerprint}`, `key ${fingerprint}`],
    ],
    [
      { validity: '20990101:20990102' },
      /is not valid yet \(from 20\d\d-\S+Z\)/,
      [`key ${fingerprint}`, `key ${fingerprint}`],
    ],
  ];
  for (const [options, text, expected] of cases) {
    ca.sign(file, options);
    const { identities, notes } = await load({ identityFiles: [file] });
    t.match(notes, [text]);
    t.strictSame(shown(identities), expected);
  }
  const { notes } = await load({ identityFiles: [file], certificateFiles: [`${file}.pub`, join(dir, 'none')] });
  t.match(notes, [/CertificateFile .*k.pub holds no certificate/, /CertificateFile .*none holds no certificate/]);
});

test('keys that the settings forbid are left out by name', async (t) => {
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  const small = join(dir, 'small');
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '1024', '-N', '', '-f', small]);
  const good = makeKeyPair(join(dir, 'good'));
  agent.add(small);
  const over = { identityFiles: [small, good.file], requiredRsaSize: 2048 };
  for (const source of [null, agent.socket]) {
    const { identities, notes } = await load({ ...over, agent: source });
    t.strictSame(shown(identities), [`key ${good.fingerprint}`]);
    t.match(notes, [/is an RSA key of 1024 bits, fewer than RequiredRSASize 2048; make a new key/]);
  }
  t.equal((await load({ ...over, requiredRsaSize: 1024 })).identities.length, 2);
  const { identities, notes } = await load({
    identityFiles: [small, good.file],
    publicKeyAlgorithms: ['rsa-sha2-512'],
  });
  t.match(identities, [{ source: small }]);
  t.match(notes, [/good is of the type ssh-ed25519, which PubkeyAcceptedAlgorithms leaves out/]);
});

test('a .pub of another key keeps a file from being offered under a wrong name', async (t) => {
  const dir = makeTemp(t, 'id');
  const [a, b] = [makeKeyPair(join(dir, 'a')), makeKeyPair(join(dir, 'b'))];
  copyFileSync(`${b.file}.pub`, `${a.file}.pub`);
  t.match(await faultOf({ identityFiles: [a.file] }), { message: /a is another key than .*a.pub; .*ssh-keygen -y -f/ });
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
    t.strictSame(shown(identities), [`key ${good.fingerprint}`], name);
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

test('an agent of another user is not asked, whoever may reach its socket', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async (t) => {
  const socket = await startSoftwareAgent(t, []);
  chmodSync(dirname(socket), 0o711);
  chmodSync(socket, 0o777);
  const module = new URL('../../../../src/core/ssh/identity/agent.js', import.meta.url).href;
  const [nobody, daemon] = [65_534, 1];
  // Loaded before it becomes somebody who may not read it.
  const script = `const { listAgentKeys } = await import(${JSON.stringify(module)}); process.setuid(${nobody});
    const said = await listAgentKeys(${JSON.stringify(socket)}, new AbortController().signal).then((keys) => keys.length + ' keys', String);
    console.log(said);`;
  const ask = (owner: number) => {
    chownSync(socket, owner, owner);
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    return child.then(({ stdout }) => stdout.trim());
  };
  t.match(await ask(daemon), /the ssh-agent at .* belongs to uid 1; check SSH_AUTH_SOCK/);
  t.equal(await ask(nobody), '0 keys', 'its own is asked');
  t.equal(await ask(0), '0 keys', 'and so is one that root made for it');
});
