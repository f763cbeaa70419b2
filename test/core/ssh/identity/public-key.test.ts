import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { describeValidity } from '../../../../src/core/ssh/identity/certificate.ts';
import { wireNumber, wireString } from '../../../../src/core/ssh/identity/key-blob.ts';
import { parsePublicKey, type PublicKey, readPublicKey } from '../../../../src/core/ssh/identity/public-key.ts';
import { makeSecurityKey } from '../../../fixtures/security-key.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { makeUserCa } from '../../../fixtures/user-ca.ts';

const types: readonly (readonly [string, number])[] = [
  ['ed25519', 256],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['ecdsa', 521],
  ['rsa', 1024],
  ['rsa', 3071],
];

function read(file: string): PublicKey {
  const key = parsePublicKey(readFileSync(file, 'utf8'));
  if (key === null) throw new Error(`${file} holds no key`);
  return key;
}

/** What ssh-keygen says of a file: bits and fingerprint. */
function describe(file: string): readonly string[] {
  return execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ').slice(0, 2);
}

test('keys and certificates of each type are read as by ssh-keygen', (t) => {
  const dir = makeTemp(t, 'pub');
  const ca = makeUserCa(dir);
  const files = types.map(([type, bits]) => {
    const file = join(dir, `${type}${bits}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-b', String(bits), '-N', '', '-f', file]);
    return file;
  });
  for (const type of ['ed25519-sk', 'ecdsa-sk'] as const) {
    const file = join(dir, type);
    makeSecurityKey(type).write(`${file}.pub`);
    files.push(file);
  }
  for (const file of files) {
    const key = read(`${file}.pub`);
    const [bits, fingerprint] = describe(`${file}.pub`);
    t.equal(key.fingerprint, fingerprint, file);
    t.equal(key.rsaSize, key.type === 'ssh-rsa' ? Number(bits) : null, 'bits');
    t.match(key, { certificate: null, plain: key.blob });

    const certificate = read(ca.sign(file, { validity: '20200101000000Z:20400101000000Z' }));
    t.match(certificate, { plain: key.blob, fingerprint: key.fingerprint, rsaSize: key.rsaSize });
    t.match(certificate.certificate, {
      kind: 'user',
      keyId: 'towline-test',
      validAfter: BigInt(Date.UTC(2020, 0, 1) / 1000),
      validBefore: BigInt(Date.UTC(2040, 0, 1) / 1000),
    });
    t.match(read(ca.sign(file, { kind: 'host' })).certificate, { kind: 'host' });
    for (const whole of [key.blob, certificate.blob]) {
      for (let length = 0; length < whole.length; length++) {
        if (readPublicKey(whole.subarray(0, length)) !== null) t.fail(`${file} is read when cut at ${length}`);
      }
      t.equal(readPublicKey(Buffer.concat([whole, Buffer.alloc(1)])), null, 'nor with something behind it');
    }
  }
  t.end();
});

test('a public key is found in its file as ssh finds it', (t) => {
  const blob = Buffer.concat(['ssh-ed25519', Buffer.alloc(32, 1)].map(wireString));
  const key = `ssh-ed25519 ${blob.toString('base64')}`;
  const found = [key, `  ${key}`, `\t${key} comment\r\n`, `# comment\n\n${key}\n`, `nonsense\n${key}`];
  for (const text of found) t.ok(parsePublicKey(text)?.blob.equals(blob), JSON.stringify(text));
  const lies = `ssh-rsa ${blob.toString('base64')}`;
  const unknown = Buffer.concat(['ssh-unknown', Buffer.alloc(4)].map(wireString)).toString('base64');
  const none = ['', 'ssh-ed25519', `-----BEGIN X-----\n${key}`, lies, `ssh-unknown ${unknown}`, key.slice(0, -8)];
  for (const text of none) t.equal(parsePublicKey(text), null, JSON.stringify(text));
  t.end();
});

test('what no certificate is, is none', (t) => {
  const huge = Buffer.concat([wireString('ssh-ed25519-cert-v01@openssh.com'), wireNumber(0xffffffff)]);
  t.equal(readPublicKey(huge), null);
  t.equal(readPublicKey(Buffer.alloc(0)), null);
  t.end();
});

test('the life of a certificate is judged by seconds', (t) => {
  const life = { kind: 'user', keyId: 'k', validAfter: 100n, validBefore: 200n } as const;
  t.equal(describeValidity(life, 99_999), 'is not valid yet (from 1970-01-01T00:01:40Z)');
  t.equal(describeValidity(life, 100_000), null);
  t.equal(describeValidity(life, 199_999), null);
  t.equal(describeValidity(life, 200_000), 'has expired (1970-01-01T00:03:20Z)');
  const forever = { ...life, validAfter: 0n, validBefore: 2n ** 64n - 1n };
  t.equal(describeValidity(forever, Date.now()), null);
  t.match(describeValidity({ ...forever, validAfter: 2n ** 63n }, Date.now()), /not valid yet \(from second 9223/);
  t.end();
});
