import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { type Identity, loadIdentities } from '../../../../src/core/ssh/identity/identity.ts';
import { plainType } from '../../../../src/core/ssh/identity/public-key.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { hostConfig } from '../../../fixtures/host-config.ts';
import { startSshAgent, type SshAgent } from '../../../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { type Sshd, startSshd } from '../../../fixtures/sshd.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { makeUserCa } from '../../../fixtures/user-ca.ts';

/** What ssh_config and the agent hold; names are files of the test's folder. */
interface Arrangement {
  readonly files?: readonly string[];
  readonly certificates?: readonly string[];
  /** Null: no agent. */
  readonly agent?: readonly string[] | null;
  readonly only?: boolean;
  readonly algorithms?: string;
  /** What ssh offers although it cannot sign for it: files of public keys, or of certificates without a key. */
  readonly vain?: readonly string[];
}

const arrangements: Readonly<Record<string, Arrangement>> = {
  'files alone': { files: ['a', 'r', 'e'] },
  'the agent alone': { agent: ['e', 'a', 'r'] },
  'files of which the agent holds some': { files: ['r', 'b', 'a'], agent: ['a', 'e', 'b'] },
  'the same with IdentitiesOnly': { files: ['r', 'b', 'a'], agent: ['a', 'e', 'b'], only: true },
  'a public key whose private one the agent holds': { files: ['half.pub', 'a'], agent: ['b', 'half'], only: true },
  'a private key that is gone, with its .pub': { files: ['half', 'a'], agent: ['b', 'half'] },
  'a public key of which nobody holds the private one': { files: ['half.pub', 'a'], agent: ['b'], vain: ['half.pub'] },
  'certificates beside files': { files: ['c', 'a', 'rc'] },
  'certificates beside files that the agent holds too': { files: ['a', 'rc', 'c'], agent: ['c', 'b', 'rc'] },
  'the same with IdentitiesOnly, certificates': { files: ['a', 'rc', 'c'], agent: ['c', 'b', 'rc'], only: true },
  'certificates in the agent alone': { agent: ['rc', 'c', 'a'] },
  'CertificateFile before all': { files: ['a', 'loose'], certificates: ['loose-elsewhere.pub'] },
  'CertificateFile without .pub in its name': { files: ['loose'], certificates: ['loose-elsewhere'] },
  'CertificateFile turns certificates beside files off': {
    files: ['c', 'loose'],
    certificates: ['loose-elsewhere.pub'],
  },
  'CertificateFile for a key of the agent': {
    files: ['a'],
    certificates: ['loose-elsewhere.pub'],
    agent: ['b', 'loose'],
  },
  'CertificateFile and the same certificate in the agent': {
    files: ['a'],
    certificates: ['c-cert.pub'],
    agent: ['c', 'a'],
  },
  'CertificateFile whose key nobody has': {
    files: ['a'],
    certificates: ['loose-elsewhere.pub', 'rc-cert.pub'],
    vain: ['loose-elsewhere.pub', 'rc-cert.pub'],
  },
  'a plain key as CertificateFile': { files: ['c'], certificates: ['a.pub'] },
  'a certificate beside a .pub that is named': { files: ['c.pub', 'a'], agent: ['c'], only: true },
  'the same key in two files': { files: ['a', 'copy', 'e'] },
  'the same key in two files and in the agent': { files: ['copy', 'e', 'a'], agent: ['b', 'a'] },
  'missing files between others': { files: ['none', 'a', 'nothing.pub', 'e'] },
  'a PEM file that tells no public key': { files: ['pem', 'a'], agent: ['b'] },
  'the same PEM file, held by the agent': { files: ['a', 'pem'], agent: ['b', 'pem'], only: true },
  'an encrypted PEM file that tells no public key': { files: ['a', 'locked-pem', 'e'] },
  'an encrypted file of which the agent holds the key': {
    files: ['e', 'locked'],
    agent: ['b', 'unlocked'],
    only: true,
  },
  'an encrypted file': { files: ['locked', 'a'] },
  'PubkeyAcceptedAlgorithms without Ed25519': {
    files: ['a', 'r', 'c', 'e'],
    agent: ['b'],
    algorithms: 'ecdsa-sha2-nistp256,rsa-sha2-512',
  },
  'PubkeyAcceptedAlgorithms with certificates only': {
    files: ['a', 'rc', 'c'],
    algorithms: 'ssh-ed25519-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com',
  },
};

/** Makes every file that the arrangements name. */
function makeKeys(dir: string): void {
  const make = (name: string, type: 'ed25519' | 'rsa' | 'ecdsa' = 'ed25519', passphrase = '') =>
    makeKeyPair(join(dir, name), type, passphrase);
  const ca = makeUserCa(dir);
  for (const name of ['a', 'b', 'half']) make(name);
  make('r', 'rsa');
  make('e', 'ecdsa');
  ca.sign(make('c').file);
  ca.sign(make('rc', 'rsa').file);
  ca.sign(make('loose').file, { to: join(dir, 'loose-elsewhere.pub') });
  copyFileSync(join(dir, 'a'), join(dir, 'copy'));
  make('pem', 'rsa');
  make('locked-pem', 'rsa', 'secret');
  for (const [name, passphrase] of [
    ['pem', ''],
    ['locked-pem', 'secret'],
  ] as const) {
    const file = join(dir, name);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', passphrase, '-N', passphrase, '-m', 'PEM', '-f', file]);
    rmSync(`${file}.pub`);
  }
  make('unlocked');
  copyFileSync(join(dir, 'unlocked'), join(dir, 'locked'));
  execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-f', join(dir, 'locked')]);
}

test('keys have their turn in the order of `ssh -v`', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'id');
  const agent = await startSshAgent(t);
  makeKeys(dir);
  const keep = makeTemp(t, 'keep');
  mkdirSync(keep, { recursive: true });
  copyFileSync(join(dir, 'half'), join(keep, 'half'));
  rmSync(join(dir, 'half'));
  for (const [name, arrangement] of Object.entries(arrangements)) {
    await compare(t, name, arrangement, { sshd, dir, keep, agent });
  }
});

interface Around {
  readonly sshd: Sshd;
  readonly dir: string;
  /** Private keys that only the agent may know. */
  readonly keep: string;
  readonly agent: SshAgent;
}

async function compare(t: Test, name: string, arrangement: Arrangement, { sshd, dir, keep, agent }: Around) {
  const { files = ['none'], certificates = [], agent: held = null, only = false, algorithms, vain = [] } = arrangement;
  const path = (file: string) => join(dir, file);
  agent.clear();
  for (const file of held ?? []) agent.add(existsSync(path(file)) ? path(file) : join(keep, file));
  const theirs = await askSsh(sshd, [
    ...files.map((file) => `IdentityFile ${path(file)}`),
    ...certificates.map((file) => `CertificateFile ${path(file)}`),
    `IdentitiesOnly ${only ? 'yes' : 'no'}`,
    `IdentityAgent ${held === null ? 'none' : agent.socket}`,
    ...(algorithms === undefined ? [] : [`PubkeyAcceptedAlgorithms ${algorithms}`]),
  ]);
  const over: Partial<HostConfig> = {
    identityFiles: files.map(path),
    certificateFiles: certificates.map(path),
    identitiesOnly: only,
    agent: held === null ? null : agent.socket,
    ...(algorithms === undefined ? {} : { publicKeyAlgorithms: algorithms.split(',') }),
  };
  const ours = (await loadIdentities(hostConfig(over), new AbortController().signal)).identities;
  const untold = new Set(theirs.flatMap(({ file, key }) => (key === null ? [file] : [])));
  const seen = new Set<string>();
  const useless = new Set(vain.map((file) => shownBy(path(file))));
  const expected = theirs.flatMap(({ file, key, fromAgent }) => {
    if (key === null) return existsSync(file) ? [`untold ${file}`] : [];
    // Asked a second time about the same key a server says the same, and counts it.
    if (seen.has(key) || useless.has(key)) return [];
    seen.add(key);
    return [`${key}${fromAgent ? ' agent' : ''}`];
  });
  t.ok(expected.length > 0, `${name}: ssh has something to try`);
  t.strictSame(
    ours.map((one) => (untold.has(one.source) ? `untold ${one.source}` : shown(one))),
    expected,
    name,
  );
}

const names: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ED25519',
  'ssh-rsa': 'RSA',
  'ecdsa-sha2-nistp256': 'ECDSA',
};

/** As ssh prints it: `ED25519-CERT SHA256:...`, and whether the agent has it. */
function shown({ publicKey, source }: Identity): string {
  const kind = `${names[plainType(publicKey?.type ?? '')]}${publicKey?.certificate ? '-CERT' : ''}`;
  return `${kind} ${publicKey?.fingerprint}${source.startsWith('agent: ') ? ' agent' : ''}`;
}

function shownBy(file: string): string {
  const [, fingerprint, , type] = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).trim().split(' ');
  return `${type?.slice(1, -1)} ${fingerprint}`;
}

interface Attempt {
  readonly file: string;
  readonly key: string | null;
  readonly fromAgent: boolean;
}

/** What ssh would try for this sshd with these lines, first one first. */
function askSsh(sshd: Sshd, lines: readonly string[]): Promise<readonly Attempt[]> {
  const file = join(sshd.dir, 'client');
  const more = ['BatchMode yes', 'StrictHostKeyChecking yes', `UserKnownHostsFile ${sshd.knownHostsFile}`];
  writeFileSync(file, `${[...lines, ...more].join('\n')}\n`, { mode: 0o600 });
  const words = ['-v', '-N', '-F', file, '-p', String(sshd.port), '127.0.0.1'];
  const ssh = spawn('ssh', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve) => {
    let said = '';
    ssh.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      // The list stands before the first attempt.
      if (/Authenticated to|Next authentication method: publickey/.test(said)) ssh.kill();
    });
    ssh.on('close', () => {
      const found = said.matchAll(/Will attempt key: (\S+)(?: ([A-Z0-9-]+ SHA256:\S+))?(.*)/g);
      resolve(
        [...found].map(([, name = '', key = null, rest = '']) => ({
          file: name,
          key,
          fromAgent: / agent$/.test(rest.trimEnd()),
        })),
      );
    });
  });
}
