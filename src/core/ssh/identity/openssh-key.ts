import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import { keyType } from './key-blob.ts';
import { WireReader } from '../wire-reader.ts';

/** A private key file in OpenSSH's own form (OpenSSH's PROTOCOL.key). */
export interface OpensshKey {
  /** `none` for a key without a passphrase. */
  readonly cipher: string;
  readonly kdf: string;
  readonly salt: Buffer;
  readonly rounds: number;
  /** The public key in its wire form; it stands there unencrypted. */
  readonly blob: Buffer;
  /** The private part; encrypted unless the cipher is `none`. */
  readonly secret: Buffer;
  /** What an authenticating cipher adds. */
  readonly tag: Buffer;
}

const magic = 'openssh-key-v1\0';

/** Takes the text of such a file apart; null where it is damaged. */
export function parseOpensshKey(text: string): OpensshKey | null {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1] ?? '';
  try {
    const reader = readerOf(Buffer.from(base64, 'base64'));
    if (reader.bytes(magic.length).toString('latin1') !== magic) return null;
    const [cipher, kdf] = [reader.string().toString('latin1'), reader.string().toString('latin1')];
    const options = readerOf(reader.string());
    const [salt, rounds] = kdf === 'bcrypt' ? [options.string(), options.number()] : [Buffer.alloc(0), 0];
    if (reader.number() !== 1) return null;
    const [blob, secret] = [reader.string(), reader.string()];
    return keyType(blob) === '' ? null : { cipher, kdf, salt, rounds, blob, secret, tag: reader.rest() };
  } catch {
    // It breaks off: there is no more to tell.
    return null;
  }
}

/** Reads the private part once it is open: null where the passphrase was wrong. Throws where it is damaged or of an unknown type. */
export function readOpensshSecret(secret: Buffer): KeyObject | null {
  const reader = readerOf(secret);
  const check = reader.bytes(4);
  if (!check.equals(reader.bytes(4))) return null;
  return createPrivateKey({ format: 'jwk', key: readKey(reader.string().toString('latin1'), reader) });
}

const curves: Readonly<Record<string, readonly [string, number]>> = {
  nistp256: ['P-256', 32],
  nistp384: ['P-384', 48],
  nistp521: ['P-521', 66],
};

function readKey(type: string, reader: WireReader): JsonWebKey {
  if (type === 'ssh-ed25519') {
    const [x, secret] = [reader.string(), reader.string()];
    return { kty: 'OKP', crv: 'Ed25519', x: text(x), d: text(secret.subarray(0, 32)) };
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => unsigned(reader.string()));
    if (n === undefined || e === undefined || d === undefined || qi === undefined) throw damaged();
    if (p === undefined || q === undefined) throw damaged();
    return {
      kty: 'RSA',
      ...{ n: text(n), e: text(e), d: text(d), p: text(p), q: text(q), qi: text(qi) },
      ...{ dp: text(remainder(d, p)), dq: text(remainder(d, q)) },
    };
  }
  const [crv, size] = curves[reader.string().toString('latin1')] ?? [];
  if (!type.startsWith('ecdsa-') || crv === undefined || size === undefined) throw damaged();
  const [point, scalar] = [reader.string(), unsigned(reader.string())];
  if (point.length !== 1 + 2 * size || scalar.length > size) throw damaged();
  const d = Buffer.concat([Buffer.alloc(size - scalar.length), scalar]);
  return { kty: 'EC', crv, x: text(point.subarray(1, 1 + size)), y: text(point.subarray(1 + size)), d: text(d) };
}

/** d mod (p - 1), which PKCS#1 keeps and OpenSSH does not. */
function remainder(d: Buffer, p: Buffer): Buffer {
  const hex = (BigInt(`0x${d.toString('hex')}`) % (BigInt(`0x${p.toString('hex')}`) - 1n)).toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

function unsigned(integer: Buffer): Buffer {
  return integer[0] === 0 ? integer.subarray(1) : integer;
}

function text(data: Buffer): string {
  return data.toString('base64url');
}

function readerOf(data: Buffer): WireReader {
  return new WireReader(data, damaged);
}

function damaged(): Fault {
  return new Fault('IDENTITY_UNREADABLE', 'a private key is damaged; restore it from a backup');
}
