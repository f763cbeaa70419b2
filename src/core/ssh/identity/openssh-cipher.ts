import { createDecipheriv, type DecipherGCM } from 'node:crypto';
import bcrypt from 'bcrypt-pbkdf';
import { printable } from '../../model/printable.ts';
import type { OpensshKey } from './openssh-key.ts';
import { poly1305 } from './poly1305.ts';

/** Sizes in bytes, and what node:crypto calls the cipher. */
interface Cipher {
  readonly name: string;
  readonly key: number;
  readonly iv: number;
}

const ciphers: Readonly<Record<string, Cipher>> = {
  '3des-cbc': { name: 'des-ede3-cbc', key: 24, iv: 8 },
  'aes128-cbc': { name: 'aes-128-cbc', key: 16, iv: 16 },
  'aes192-cbc': { name: 'aes-192-cbc', key: 24, iv: 16 },
  'aes256-cbc': { name: 'aes-256-cbc', key: 32, iv: 16 },
  'aes128-ctr': { name: 'aes-128-ctr', key: 16, iv: 16 },
  'aes192-ctr': { name: 'aes-192-ctr', key: 24, iv: 16 },
  'aes256-ctr': { name: 'aes-256-ctr', key: 32, iv: 16 },
  'aes128-gcm@openssh.com': { name: 'aes-128-gcm', key: 16, iv: 12 },
  'aes256-gcm@openssh.com': { name: 'aes-256-gcm', key: 32, iv: 12 },
  'chacha20-poly1305@openssh.com': { name: 'chacha20', key: 64, iv: 0 },
};

/** What came of a passphrase: the private part, or why there is none. */
export type Opened =
  | { readonly kind: 'open'; readonly secret: Buffer }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Decrypts the private part of a key file. It takes some 20 ms a round of bcrypt, and blocks: for a thread of its own. Ciphers without
 * authentication call no passphrase wrong.
 */
export function decryptOpensshKey(file: OpensshKey, passphrase: string): Opened {
  const cipher = ciphers[file.cipher];
  if (cipher === undefined || file.kdf !== 'bcrypt') {
    const why = `is encrypted with "${file.cipher}" and "${file.kdf}", which ssh does not know; change it by \`ssh-keygen -p\``;
    return { kind: 'unusable', why: printable(why) };
  }
  const pass = Buffer.from(passphrase);
  const derived = Buffer.alloc(cipher.key + cipher.iv);
  if (bcrypt.pbkdf(pass, pass.length, file.salt, file.salt.length, derived, derived.length, file.rounds) !== 0) {
    return { kind: 'unusable', why: 'is damaged; restore it from a backup' };
  }
  const [key, iv] = [derived.subarray(0, cipher.key), derived.subarray(cipher.key)];
  const secret = open(file, cipher.name, key, iv);
  return secret === null ? { kind: 'wrong' } : { kind: 'open', secret };
}

function open(file: OpensshKey, name: string, key: Buffer, iv: Buffer): Buffer | null {
  if (name === 'chacha20') return openChacha(file, key);
  if (name === 'aes-128-gcm' || name === 'aes-256-gcm') return openGcm(file, createDecipheriv(name, key, iv));
  const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(file.secret), decipher.final()]);
}

function openGcm({ secret, tag }: OpensshKey, decipher: DecipherGCM): Buffer | null {
  try {
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(secret), decipher.final()]);
  } catch {
    // OpenSSL says no more than that the tag is wrong.
    return null;
  }
}

/** OpenSSH's PROTOCOL.chacha20poly1305, for packet 0: block 0 makes the key of the authenticator, the text begins with block 1. */
function openChacha({ secret, tag }: OpensshKey, key: Buffer): Buffer | null {
  const block = (counter: number) => {
    const iv = Buffer.alloc(16);
    iv[0] = counter;
    return createDecipheriv('chacha20', key.subarray(0, 32), iv);
  };
  if (!poly1305(block(0).update(Buffer.alloc(32)), secret).equals(tag)) return null;
  return block(1).update(secret);
}
