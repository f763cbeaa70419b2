import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { fingerprint } from '../../../../src/core/ssh/identity/fingerprint.ts';
import { type KeyVerdict, loadKnownHosts } from '../../../../src/core/ssh/known-hosts/known-hosts.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const blobOf = (publicKey: string) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');

/** Hashes a name as `ssh-keygen -H` does. */
function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

test('a verdict is what the real ssh says', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'kh');
  const [real = ''] = sshd.hostKeys;
  const ed = makeKeyPair(join(dir, 'ed')).publicKey;
  const ecdsa = makeKeyPair(join(dir, 'ec'), 'ecdsa').publicKey;
  const { port } = sshd;
  const H = `[127.0.0.1]:${port}`;
  const base64 = real.split(' ')[1] ?? '';

  const cases: readonly [string, string, KeyVerdict['kind']][] = [
    ['nothing', '', 'unknown'],
    ['its key', `${H} ${real}\n`, 'known'],
    ['its key under the plain name', `127.0.0.1 ${real}\n`, 'known'],
    ['another port', `[127.0.0.1]:1 ${real}\n`, 'unknown'],
    ['another key', `${H} ${ed}\n`, 'changed'],
    ['another key under the plain name', `127.0.0.1 ${ed}\n`, 'unknown'],
    ['a key of another type', `${H} ${ecdsa}\n`, 'changed'],
    ['another key, and its own under the plain name', `${H} ${ed}\n127.0.0.1 ${real}\n`, 'changed'],
    ['another key, then its own', `${H} ${ed}\n${H} ${real}\n`, 'known'],
    ['revoked everywhere', `${H} ${real}\n@revoked * ${real}\n`, 'revoked'],
    ['only revoked', `@revoked * ${real}\n`, 'revoked'],
    ['revoked and known under the plain name', `@revoked 127.0.0.1 ${real}\n127.0.0.1 ${real}\n`, 'revoked'],
    ['revoked under the plain name only', `@revoked 127.0.0.1 ${real}\n${H} ${real}\n`, 'known'],
    ['another key revoked', `@revoked * ${ed}\n${H} ${real}\n`, 'known'],
    ['an authority', `@cert-authority * ${ed}\n`, 'authority-only'],
    ['its key as an authority', `@cert-authority ${H} ${real}\n`, 'authority-only'],
    ['an authority and its key', `@cert-authority * ${ed}\n${H} ${real}\n`, 'known'],
    ['an authority and its key under the plain name', `@cert-authority * ${ed}\n127.0.0.1 ${real}\n`, 'known'],
    ['an authority and another key', `@cert-authority * ${ed}\n${H} ${ecdsa}\n`, 'changed'],
    ['a wildcard with the port', `[127.*]:${port} ${real}\n`, 'known'],
    ['a wildcard', `127.0.?.1 ${real}\n`, 'known'],
    ['several names', `example.com,${H},other ${real}\n`, 'known'],
    ['a negation', `[127.*]:${port},!${H} ${real}\n`, 'unknown'],
    ['a negation of the name with its port only', `*,!${H} ${real}\n`, 'known'],
    ['hashed', `${hashed(H)} ${real}\n`, 'known'],
    ['hashed under the plain name', `${hashed('127.0.0.1')} ${real}\n`, 'known'],
    ['hashed, another key', `${hashed(H)} ${ed}\n`, 'changed'],
    ['hashed, another host', `${hashed('127.0.0.2')} ${real}\n`, 'unknown'],
    ['a hashed name in a list', `${hashed(H)},${H} ${real}\n`, 'unknown'],
    ['comments, blanks, CRLF', `# x\r\n\r\n  ${H} ${real} a comment\r\n`, 'known'],
    ['tabs', `${H}\t${real.replace(' ', '\t')}\n`, 'known'],
    ['no final newline', `${H} ${real}`, 'known'],
    ['a broken line first', `${H} ssh-ed25519 !!!!\n${H}\n${H} 256 35 123\n${H} ${real}\n`, 'known'],
    ['a key of the wrong type', `${H} ssh-rsa ${base64}\n`, 'unknown'],
    ['an unknown marker', `@foo ${H} ${real}\n`, 'unknown'],
    ['two markers', `@revoked @cert-authority ${H} ${real}\n`, 'unknown'],
    ['a comment before it', `#${H} ${real}\n`, 'unknown'],
  ];
  for (const [name, text, kind] of cases) {
    const file = join(dir, 'known_hosts');
    writeFileSync(file, text);
    const known = await loadKnownHosts([file]);
    t.equal(known.verdict('127.0.0.1', port, blobOf(real)).kind, kind, name);
    t.equal(await askSsh(sshd.port, sshd.keyFile, file), sshWord(kind), `${name}: ssh`);
  }
});

/** ssh knows no `authority-only`: a key that no certificate vouches for is one that it does not know. */
function sshWord(kind: KeyVerdict['kind']): KeyVerdict['kind'] {
  return kind === 'authority-only' ? 'unknown' : kind;
}

function askSsh(port: number, identity: string, file: string): Promise<string> {
  const options = {
    UserKnownHostsFile: file,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
  };
  const args = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  // No command is run: the login itself is the answer, and a login shell's own start would only be waited for.
  const ssh = spawn('ssh', ['-v', '-N', '-F', 'none', ...args, '-i', identity, '-p', String(port), '127.0.0.1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve) => {
    let said = '';
    ssh.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Authenticated to')) ssh.kill();
    });
    ssh.on('close', () => {
      if (said.includes('Authenticated to')) resolve('known');
      else if (said.includes('REVOKED HOST KEY')) resolve('revoked');
      else if (said.includes('IDENTIFICATION HAS CHANGED')) resolve('changed');
      else resolve(/No \S+ host key is known/.test(said) ? 'unknown' : said);
    });
  });
}

test('a verdict says where it comes from', async (t) => {
  const dir = makeTemp(t, 'kh');
  const [a, b] = [makeKeyPair(join(dir, 'a')), makeKeyPair(join(dir, 'b'), 'ecdsa')];
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  writeFileSync(one, `\n# x\nh ${a.publicKey}\n@revoked r ${a.publicKey}\n@cert-authority c ${a.publicKey}\n`);
  writeFileSync(two, `H,k ${b.publicKey}\n`);
  const known = await loadKnownHosts([one, join(dir, 'missing'), two]);
  t.strictSame(known.verdict('h', 22, blobOf(a.publicKey)), { kind: 'known', file: one, line: 3 });
  t.strictSame(known.verdict('H', 22, blobOf(b.publicKey)), { kind: 'known', file: two, line: 1 });
  t.strictSame(known.verdict('r', 22, blobOf(a.publicKey)), { kind: 'revoked', file: one, line: 4 });
  t.strictSame(known.verdict('c', 22, blobOf(a.publicKey)), { kind: 'authority-only', file: one, line: 5 });
  t.strictSame(known.verdict('k', 22, blobOf(a.publicKey)), {
    kind: 'changed',
    old: [{ type: 'ecdsa-sha2-nistp256', fingerprint: b.fingerprint, file: two, line: 1 }],
  });
  t.equal(fingerprint(blobOf(a.publicKey)), a.fingerprint);
  t.strictSame(known.keyTypes('h', 22), ['ssh-ed25519', 'ecdsa-sha2-nistp256']);
  t.strictSame(known.keyTypes('h', 2222), ['ssh-ed25519', 'ecdsa-sha2-nistp256'], 'the plain name counts too');
  t.strictSame(known.keyTypes('r', 22), [], 'a revoked key is none to ask for');
  t.strictSame(known.keyTypes('c', 22), [], 'nor is an authority');
  t.strictSame(known.warnings, []);
});

test('malformed lines are named, and not more than a few of them', async (t) => {
  const dir = makeTemp(t, 'kh');
  const file = join(dir, 'known_hosts');
  writeFileSync(file, `h\n${'x\n'.repeat(1000)}`);
  const { warnings } = await loadKnownHosts([file]);
  t.equal(warnings[0], `${file}:1: the line is left out, it has no key`);
  t.equal(warnings.length, 20);
});

test('a known_hosts file that cannot be read fails closed', async (t) => {
  const dir = makeTemp(t, 'kh');
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  mkdirSync(join(dir, 'folder'));
  for (const file of [fifo, join(dir, 'folder')]) {
    await t.rejects(loadKnownHosts([file]), { code: 'KNOWN_HOSTS_UNREADABLE', detail: { file } });
  }
  t.strictSame((await loadKnownHosts(['/dev/null', join(dir, 'no'), join(fifo, 'x')])).warnings, []);
});

test('ten thousand hashed lines are searched in the blink of an eye', async (t) => {
  const dir = makeTemp(t, 'kh');
  const key = makeKeyPair(join(dir, 'a')).publicKey;
  const file = join(dir, 'known_hosts');
  const names = Array.from({ length: 10_000 }, (_, i) => `host${i}.example.com`);
  writeFileSync(file, names.map((name) => `${hashed(name)} ${key}\n`).join(''));
  t.equal(readFileSync(file, 'utf8').split('\n').length, 10_001);
  const known = await loadKnownHosts([file]);
  known.verdict('warm.example.com', 22, blobOf(key));
  const before = performance.now();
  const verdict = known.verdict('host9999.example.com', 22, blobOf(key));
  const first = performance.now() - before;
  t.match(verdict, { kind: 'known', line: 10_000 });
  known.keyTypes('host9999.example.com', 22);
  const second = performance.now() - before - first;
  t.comment(`one lookup in 10,000 hashed lines: ${first.toFixed(1)} ms, again: ${second.toFixed(1)} ms`);
  t.ok(first < 300, `${first} ms`);
  t.ok(second < 20, `${second} ms`);
});
