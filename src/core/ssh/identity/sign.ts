import { type KeyObject, sign } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import { signatureName } from './algorithm.ts';
import { wireInteger, wireString } from './key-blob.ts';

const hashes: Readonly<Record<string, string | null>> = {
  'ssh-ed25519': null,
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
  'rsa-sha2-512': 'sha512',
  'rsa-sha2-256': 'sha256',
  'ssh-rsa': 'sha1',
};

/** Signs with a private key, off the event loop; returns the signature with its name, as RFC 4252 section 7 wants it. */
export async function signWithKey(key: KeyObject, algorithm: string, data: Buffer): Promise<Buffer> {
  const name = signatureName(algorithm);
  const hash = hashes[name];
  if (hash === undefined) throw new Fault('INTERNAL', `a bug in towline: no signature by "${name}"; please report it`);
  const bare = await new Promise<Buffer>((resolve, reject) => {
    sign(hash ?? undefined, data, { key, dsaEncoding: 'ieee-p1363' }, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });
  return Buffer.concat([name, name.startsWith('ecdsa-') ? pair(bare) : bare].map(wireString));
}

/** Two integers of one length, as two `mpint` (RFC 5656 section 3.1.2). */
function pair(bare: Buffer): Buffer {
  const half = bare.length / 2;
  return Buffer.concat([bare.subarray(0, half), bare.subarray(half)].map(wireInteger));
}
