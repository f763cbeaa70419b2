import { keyType } from '../identity/key-blob.ts';

/**
 * What follows the type in a public key's wire form: a number of bytes for a `string` of just that length, null for one of any
 * length (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4, OpenSSH's PROTOCOL.u2f).
 */
const shapes: Readonly<Record<string, readonly (number | null)[]>> = {
  'ssh-ed25519': [32],
  'ssh-rsa': [null, null],
  'ssh-dss': [null, null, null, null],
  'ecdsa-sha2-nistp256': [8, 65],
  'ecdsa-sha2-nistp384': [8, 97],
  'ecdsa-sha2-nistp521': [8, 133],
  'sk-ssh-ed25519@openssh.com': [32, null],
  'sk-ecdsa-sha2-nistp256@openssh.com': [8, 65, null],
};

/** True for a plain public key of a type that OpenSSH reads, whole and without anything after it. */
export function isHostKey(blob: Buffer): boolean {
  const type = keyType(blob);
  const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) return false;
  let at = 4 + type.length;
  for (const want of shape) {
    if (blob.length < at + 4) return false;
    const length = blob.readUInt32BE(at);
    if (want !== null && length !== want) return false;
    at += 4 + length;
  }
  return at === blob.length;
}

/** The length of an RSA key's modulus in bits; null for a key of another type. */
export function rsaBits(blob: Buffer): number | null {
  const type = 'ssh-rsa';
  if (keyType(blob) !== type) return null;
  const exponent = 4 + type.length;
  if (blob.length < exponent + 4) return 0;
  const modulus = exponent + 4 + blob.readUInt32BE(exponent);
  if (blob.length < modulus + 4) return 0;
  let from = modulus + 4;
  const to = Math.min(blob.length, from + blob.readUInt32BE(modulus));
  while (from < to && blob[from] === 0) from += 1;
  return from === to ? 0 : (to - from) * 8 - (Math.clz32(blob[from] ?? 0) - 24);
}
