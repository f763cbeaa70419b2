import { Fault } from '../../model/fault.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { fingerprint } from './fingerprint.ts';
import { keyType, wireString } from './key-blob.ts';
import { WireReader } from '../wire-reader.ts';

/** A public key, or a user's certificate for one, as a server is asked about it. */
export interface PublicKey {
  /** Its wire form (RFC 4253 section 6.6; for certificates OpenSSH's PROTOCOL.certkeys). */
  readonly blob: Buffer;
  readonly type: string;
  /** The key itself in its wire form: for a certificate the one that it certifies. */
  readonly plain: Buffer;
  /** Of the key itself, as ssh prints it for certificates too. */
  readonly fingerprint: string;
  /** Null for a plain key. */
  readonly certificate: Certificate | null;
  /** Of an RSA key, bits; null for other types. */
  readonly rsaSize: number | null;
}

/** How many strings follow the type's name in the wire form of a key of each type that ssh knows. */
const fields: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

/** Reads the wire form of a key or a certificate; null where ssh knows no such type, or it breaks off. */
export function readPublicKey(blob: Buffer): PublicKey | null {
  const type = keyType(blob);
  const count = fields[plainType(type)];
  if (count === undefined) return null;
  try {
    const reader = new WireReader(
      blob,
      () => new Fault('IDENTITY_UNREADABLE', 'a public key is damaged; make it anew'),
    );
    reader.string();
    if (isCertificate(type)) reader.string();
    const parts = Array.from({ length: count }, () => reader.string());
    const plain = Buffer.concat([plainType(type), ...parts].map(wireString));
    const certificate = isCertificate(type) ? readCertificate(reader) : null;
    if (reader.rest().length > 0) return null;
    const modulus = plainType(type) === 'ssh-rsa' ? (parts[1] ?? Buffer.alloc(0)) : null;
    return {
      blob,
      type,
      plain,
      fingerprint: fingerprint(plain),
      certificate,
      rsaSize: modulus === null ? null : bitLength(modulus),
    };
  } catch {
    // All that it can say is that the data ends too soon.
    return null;
  }
}

/** Finds the first public key or certificate in the text of a `.pub` file; null where there is none, or a private key comes first. */
export function parsePublicKey(text: string): PublicKey | null {
  for (const line of text.split('\n')) {
    if (line.startsWith('-----BEGIN')) return null;
    const [, type, base64 = ''] = /^[ \t]*([a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line) ?? [];
    const key = type === undefined ? null : readPublicKey(Buffer.from(base64, 'base64'));
    if (key !== null && key.type === type) return key;
  }
  return null;
}

/** The type of the key that a certificate of this type certifies; a plain type stays as it is. */
export function plainType(type: string): string {
  if (!isCertificate(type)) return type;
  return type.replace(/-cert-v01@openssh\.com$/, type.startsWith('sk-') ? '@openssh.com' : '');
}

function isCertificate(type: string): boolean {
  return type.endsWith('-cert-v01@openssh.com');
}

/** True for the types whose private half a FIDO authenticator keeps (OpenSSH's PROTOCOL.u2f). */
export function isAuthenticatorKey(type: string): boolean {
  return type.startsWith('sk-');
}

function bitLength(integer: Buffer): number {
  const from = integer.findIndex((byte) => byte !== 0);
  return from === -1 ? 0 : (integer.length - from) * 8 - Math.clz32(integer[from] ?? 0) + 24;
}
