import { execFileSync } from 'node:child_process';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parseKeyFile } from '../../../../src/core/ssh/identity/key-file.ts';
import { signWithKey } from '../../../../src/core/ssh/identity/sign.ts';
import { WireReader } from '../../../../src/core/ssh/wire-reader.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const data = Buffer.from('what is signed');

function makeKey(dir: string, type: string, bits: number): KeyObject {
  const file = join(dir, `${type}${bits}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-b', String(bits), '-N', '', '-f', file]);
  const parsed = parseKeyFile(readFileSync(file, 'utf8'));
  if (parsed.kind !== 'private') throw new Error(`${file} is ${parsed.kind}`);
  return parsed.key;
}

function split(signature: Buffer): readonly [string, Buffer] {
  const reader = new WireReader(signature, () => new Error('cut'));
  return [reader.string().toString(), reader.string()];
}

test('ECDSA signatures are two integers, for each curve and for values of every length', async (t) => {
  const dir = makeTemp(t, 'sign');
  for (const bits of [256, 384, 521]) {
    const key = makeKey(dir, 'ecdsa', bits);
    const hash = bits === 521 ? 'sha512' : `sha${bits}`;
    const half = Math.ceil(bits / 8);
    // Some of so many have a value that begins with zeros, or with a bit that would make it negative.
    for (let n = 0; n < 300; n++) {
      const [name, bare] = split(await signWithKey(key, `ecdsa-sha2-nistp${bits}-cert-v01@openssh.com`, data));
      const reader = new WireReader(bare, () => new Error('cut'));
      const both = [reader.string(), reader.string()].map((integer) => {
        if ((integer[0] ?? 0) >= 0x80 || (integer[0] === 0 && (integer[1] ?? 0) < 0x80)) t.fail('no mpint');
        const magnitude = integer[0] === 0 ? integer.subarray(1) : integer;
        return Buffer.concat([Buffer.alloc(half - magnitude.length), magnitude]);
      });
      const options = { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' } as const;
      const good = name === `ecdsa-sha2-nistp${bits}` && verify(hash, data, options, Buffer.concat(both));
      if (!good) t.fail(`${bits}: a signature that does not verify`);
    }
    t.pass(`${bits}`);
  }
});

test('RSA signs by the hash that its algorithm names', async (t) => {
  const key = makeKey(makeTemp(t, 'sign'), 'rsa', 2048);
  for (const [algorithm, hash] of [
    ['rsa-sha2-512-cert-v01@openssh.com', 'sha512'],
    ['rsa-sha2-512', 'sha512'],
    ['rsa-sha2-256', 'sha256'],
    ['ssh-rsa', 'sha1'],
  ] as const) {
    const [name, bare] = split(await signWithKey(key, algorithm, data));
    t.equal(name, algorithm.replace(/-cert.*/, ''));
    t.ok(verify(hash, data, createPublicKey(key), bare), algorithm);
  }
});

test('an algorithm for which there is no signature is a bug', async (t) => {
  const key = makeKey(makeTemp(t, 'sign'), 'ed25519', 256);
  await t.rejects(signWithKey(key, 'sk-ssh-ed25519@openssh.com', data), { code: 'INTERNAL' });
});
