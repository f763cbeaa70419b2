import { createPrivateKey, type KeyObject } from 'node:crypto';
import { parseOpensshKey, readOpensshSecret } from './openssh-key.ts';
import { publicHalf } from './private-key.ts';
import { isAuthenticatorKey, parsePublicKey, type PublicKey, readPublicKey } from './public-key.ts';

/** What a key file holds. `told` is the public key that it tells without being opened, as ssh sees it; null where there is none. */
export type KeyFile =
  | { readonly kind: 'private'; readonly key: KeyObject; readonly own: PublicKey; readonly told: PublicKey | null }
  | { readonly kind: 'encrypted'; readonly text: string; readonly told: PublicKey | null }
  | { readonly kind: 'public'; readonly told: PublicKey }
  | { readonly kind: 'unusable'; readonly why: string; readonly told: PublicKey | null };

/** Reads the text of a key file: OpenSSH, PEM and PKCS#8 private keys, and public keys. Never throws. */
export function parseKeyFile(text: string): KeyFile {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/m.exec(text)?.[1];
  if (label === undefined) return parsePublic(text);
  if (label === 'OPENSSH PRIVATE KEY') return parseOpenssh(text);
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return { kind: 'encrypted', text, told: null };
  }
  return parsePem(text);
}

function parsePublic(text: string): KeyFile {
  if (text.startsWith('PuTTY-User-Key-File')) {
    return { kind: 'unusable', why: 'is a PuTTY key; convert it with `puttygen -O private-openssh`', told: null };
  }
  const told = parsePublicKey(text);
  return told === null ? { kind: 'unusable', why: 'holds no key that ssh knows', told } : { kind: 'public', told };
}

function parseOpenssh(text: string): KeyFile {
  const file = parseOpensshKey(text);
  if (file === null) return { kind: 'unusable', why: 'is damaged', told: null };
  const told = readPublicKey(file.blob);
  if (told === null) return { kind: 'unusable', why: 'is of a type that ssh does not know', told };
  if (isAuthenticatorKey(told.type)) {
    const why = 'is a FIDO key, and towline reaches its authenticator through the agent only; `ssh-add` it';
    return { kind: 'unusable', why, told };
  }
  if (file.cipher !== 'none') return { kind: 'encrypted', text, told };
  try {
    const key = readOpensshSecret(file.secret);
    if (key !== null && publicHalf(key)?.blob.equals(told.blob)) return { kind: 'private', key, own: told, told };
  } catch {
    // Whatever is wrong inside, there is one cure.
  }
  return { kind: 'unusable', why: 'is damaged', told };
}

function parsePem(text: string): KeyFile {
  try {
    const key = createPrivateKey(text);
    const own = publicHalf(key);
    if (own !== null) return { kind: 'private', key, own, told: null };
    const type = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;
    return { kind: 'unusable', why: `is of the type "${type}", which ssh does not know`, told: null };
  } catch {
    // OpenSSL's texts name no file and no cure; "damaged" is all that they say.
    return { kind: 'unusable', why: 'is damaged', told: null };
  }
}
