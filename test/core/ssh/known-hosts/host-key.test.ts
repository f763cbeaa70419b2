import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { judgeHostKey } from '../../../../src/core/ssh/known-hosts/host-key.ts';
import { loadKnownHosts } from '../../../../src/core/ssh/known-hosts/known-hosts.ts';
import { startEcho } from '../../../fixtures/backend.ts';
import { hop, hostConfig } from '../../../fixtures/host-config.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { askSsh, askTowline } from './both.ts';

const blobOf = (publicKey: string) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');

function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** What becomes of a key that `box:2222` shows. */
async function judge(files: readonly string[], key: string, over: Parameters<typeof hostConfig>[0] = {}) {
  const knownHostsTo = files[0] ?? null;
  const host = hostConfig({ port: 2222, knownHostsFiles: files, knownHostsTo, ...over });
  return judgeHostKey(hop({ host, knownHosts: await loadKnownHosts(files) }), blobOf(key));
}

async function refuse(...asked: Parameters<typeof judge>): Promise<Fault> {
  const judged = await judge(...asked);
  if (judged instanceof Fault) return judged;
  throw new Error(`it was not refused: ${judged}`);
}

/** Runs the commands that a fault prints, as a user would paste them. */
function paste({ detail }: Fault): void {
  for (const command of String(detail['remove']).split('\n')) execFileSync('sh', ['-c', command], { stdio: 'pipe' });
}

test('a changed key: both fingerprints, each place, and commands that really remove the old ones', async (t) => {
  const dir = makeTemp(t, "kh it's");
  const pairs = ['a', 'b', 'c'].map((name) => makeKeyPair(join(dir, name), name === 'b' ? 'ecdsa' : 'ed25519'));
  const [a, b, c] = pairs.map(({ publicKey }) => publicKey);
  const [one, two, three] = [join(dir, 'one'), join(dir, "two's"), join(dir, 'three')];
  const kept = `other ${a}\n@revoked [box]:2222 ${a}\n@cert-authority * ${b}\n# box\nbox ${a}\n`;
  writeFileSync(one, `${kept}[box]:2222 ${a}\n${hashed('[box]:2222')} ${b}\n`);
  writeFileSync(two, `[b?x]:* ${a}\nx,[box]:2222 ${b}\n`);
  writeFileSync(three, `other ${a}\n`);
  const fault = await refuse([one, two, three], c ?? '', { hostKeyChecking: 'accept-new' });
  t.equal(fault.code, 'HOST_KEY_CHANGED');
  for (const { fingerprint } of pairs) t.ok(fault.message.includes(fingerprint), fingerprint);
  for (const place of [`${one}:6`, `${one}:7`, `${two}:1`, `${two}:2`]) t.ok(fault.message.includes(place), place);
  t.notOk(fault.message.includes(three), 'a file that does not have it is not spoken of');
  t.equal(String(fault.detail['remove']).split('\n').length, 2, 'one command a file');
  for (const command of String(fault.detail['remove']).split('\n')) t.ok(fault.message.includes(command));
  paste(fault);
  t.equal(readFileSync(one, 'utf8'), kept, 'nothing else is removed');
  t.equal((await refuse([one, two, three], c ?? '')).code, 'HOST_KEY_UNVERIFIABLE', 'nothing changed is left');
  t.match(fault.message, / then `towline trust box`; known is /);
});

test('where ssh-keygen would refuse to rewrite a file, the line to delete is named instead', async (t) => {
  const dir = makeTemp(t, 'kh');
  const [a, b] = ['a', 'b'].map((name) => makeKeyPair(join(dir, name)).publicKey);
  const [broken, well] = [join(dir, 'broken'), join(dir, 'well')];
  for (const line of ['@foo x y', 'x', 'x 1024 35 123', `|1|AAAA|AAAA ${a}`, '@revoked @revoked x y']) {
    writeFileSync(broken, `[box]:2222 ${a}\n${line}\n[box]:2222 ${a}\n`);
    writeFileSync(well, `[box]:2222 ${a}\n`);
    const { status } = spawnSync('ssh-keygen', ['-R', '[box]:2222', '-f', broken]);
    t.equal(status, 1, `ssh-keygen refuses ${line}`);
    const fault = await refuse([broken, well], b ?? '');
    t.ok(fault.message.includes(`delete line 1, 3 of ${broken} by hand`), fault.message);
    t.equal(fault.detail['remove'], `ssh-keygen -R '[box]:2222' -f '${well}'`);
  }
});

test('an unknown key: its type, its fingerprint, and the command for the whole route', async (t) => {
  const dir = makeTemp(t, 'kh');
  const { publicKey, fingerprint } = makeKeyPair(join(dir, 'a'));
  const file = join(dir, 'known_hosts');
  const fault = await refuse([file], publicKey);
  t.equal(fault.code, 'HOST_KEY_UNKNOWN');
  t.equal(
    fault.message,
    `the host key of me@box:2222 (ssh-ed25519 ${fingerprint}) is in no known_hosts file; compare the fingerprint, then run \`towline trust box\``,
  );
  t.match(fault.detail, { fingerprint, type: 'ssh-ed25519' });
  const mine = { files: ['/home/me/.ssh/config', '/etc/ssh/ssh_config'] };
  t.match((await refuse([file], publicKey, mine)).message, /`towline trust box`/);
  t.match((await refuse([file], publicKey, { files: ["/a b's"] })).message, /`towline trust -F '\/a b'\\''s' box`/);
  t.equal(await judge([file], publicKey, { hostKeyChecking: 'accept-new' }), 'learn');
  t.equal((await refuse([file], publicKey, { hostKeyChecking: 'yes' })).code, 'HOST_KEY_UNKNOWN');
  const nowhere = await refuse([], publicKey, { hostKeyChecking: 'accept-new' });
  t.match(nowhere, { code: 'HOST_KEY_UNKNOWN', message: /names no file to write it to, so .* write it by hand/ });
  writeFileSync(file, `[box]:2222 ${publicKey}\n`);
  for (const hostKeyChecking of ['yes', 'accept-new', 'ask'] as const) {
    t.equal(await judge([file], publicKey, { hostKeyChecking }), null, hostKeyChecking);
  }
});

test('an RSA host key shorter than RequiredRSASize is not trusted, known or not', async (t) => {
  const dir = makeTemp(t, 'kh');
  const { publicKey } = makeKeyPair(join(dir, 'a'), 'rsa');
  const file = join(dir, 'known_hosts');
  writeFileSync(file, `[box]:2222 ${publicKey}\n`);
  t.equal(await judge([file], publicKey, { requiredRsaSize: 2048 }), null);
  const fault = await refuse([file], publicKey, { requiredRsaSize: 2049 });
  t.match(fault, { code: 'HOST_KEY_WEAK', message: /is an RSA key of 2048 bits, and RequiredRSASize is 2049/ });
});

test('what cannot be judged is refused', (t) => {
  const knownHosts = {
    recognize: () => {
      throw new Error('a bug');
    },
    keyTypes: () => [],
    warnings: [],
  };
  t.match(judgeHostKey(hop({ knownHosts }), Buffer.alloc(0)), { code: 'KNOWN_HOSTS_UNREADABLE' });
  t.end();
});

test('a host with a certificate: only through its authority it is refused, and its own key does as with ssh', async (t) => {
  const dir = makeTemp(t, 'cert');
  const ca = makeKeyPair(join(dir, 'ca'));
  const sshd = await startSshd(t, { config: [`HostCertificate ${join(dir, 'host-cert.pub')}`] });
  writeFileSync(join(dir, 'host.pub'), `${sshd.hostKeys[0]}\n`);
  execFileSync('ssh-keygen', ['-q', '-s', ca.file, '-I', 'host', '-h', '-n', '127.0.0.1', join(dir, 'host.pub')]);
  await sshd.reload();
  const file = join(dir, 'known_hosts');
  const authority = `@cert-authority [127.0.0.1]:* ${ca.publicKey}\n`;
  writeFileSync(file, authority);
  t.equal(await askSsh(sshd, { checking: 'yes', files: [file] }), 'in', 'ssh verifies the certificate');
  for (const checking of ['yes', 'accept-new'] as const) {
    const { fault } = await askTowline(sshd, { checking, files: [file] });
    t.match(fault, { code: 'HOST_KEY_UNVERIFIABLE' }, checking);
    t.match(
      fault?.message,
      /certificate authority \(\S+:1\), and host certificates are not supported; .*`towline trust/,
    );
    t.ok(fault?.message.includes(sshd.hostKeyFingerprint));
  }
  t.equal(readFileSync(file, 'utf8'), authority, 'nothing is written');
  writeFileSync(file, `${authority}[127.0.0.1]:${sshd.port} ${sshd.hostKeys[0]}\n`);
  t.equal((await askTowline(sshd, { checking: 'yes', files: [file] })).outcome, 'in');
  writeFileSync(file, `${authority}[127.0.0.1]:${sshd.port} ${makeKeyPair(join(dir, 'other')).publicKey}\n`);
  t.equal((await askTowline(sshd, { checking: 'yes', files: [file] })).outcome, 'changed');
});

test('the other keys that a server speaks of are neither asked about nor written, and serve after a rotation', async (t) => {
  const sshd = await startSshd(t, { hostKeys: ['ed25519', 'rsa', 'ecdsa'], config: ['LogLevel DEBUG3'] });
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const H = `[127.0.0.1]:${sshd.port}`;
  const checked = { checking: 'accept-new', files: [file] } as const;
  for (const ask of [askSsh, askTowline]) {
    writeFileSync(file, '');
    await ask(sshd, checked);
    t.equal(readFileSync(file, 'utf8'), `${H} ${sshd.hostKeys[0]}\n`, 'of three new keys ssh and we take the same one');
  }
  const rsa = `${H} ${sshd.hostKeys[1]}\n`;
  writeFileSync(file, rsa);
  t.equal((await askTowline(sshd, checked)).outcome, 'in', 'a server with three keys is asked for the known one');
  t.equal(readFileSync(file, 'utf8'), rsa);
  const from = sshd.log().length;
  const link = await openTestLink(t, sshd);
  const echo = await startEcho(t);
  // With the first answer its keys have come too; a request to prove them would be read before the second.
  for (let n = 0; n < 2; n += 1) {
    await link.dial({ kind: 'tcp', host: '127.0.0.1', port: echo.port }, { address: '127.0.0.1', port: 1 });
  }
  await sshd.waitForLog(/sent 3 hostkeys.*confirm direct-tcpip.*confirm direct-tcpip/s, from);
  t.notMatch(sshd.log().slice(from), /hostkeys-prove/);
  // F47: the old key of a host goes, a second one is known already.
  writeFileSync(file, `${H} ${makeKeyPair(join(file, '..', 'gone'), 'ecdsa').publicKey}\n${H} ${sshd.hostKeys[0]}\n`);
  t.equal((await askTowline(sshd, checked)).outcome, 'in');
  t.equal(await askSsh(sshd, checked), 'in');
  writeFileSync(file, `${H} ${sshd.hostKeys[0]}\n@revoked * ${sshd.hostKeys[0]}\n${rsa}`);
  t.equal((await askTowline(sshd, checked)).outcome, 'in', 'a revoked key is none to ask for');
  t.equal(await askSsh(sshd, checked), 'in');
});
