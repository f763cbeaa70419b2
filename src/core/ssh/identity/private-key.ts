import { createPrivateKey, type KeyObject } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { keyType, wireString } from './key-blob.ts';

/** What a key file holds. `blob` is the public key in its wire form, null where it cannot be told without a passphrase. */
export type KeyFile =
  | { readonly kind: 'private'; readonly key: ParsedKey; readonly blob: Buffer }
  | { readonly kind: 'encrypted'; readonly blob: Buffer | null }
  | { readonly kind: 'public'; readonly blob: Buffer }
  | { readonly kind: 'unusable'; readonly why: string; readonly blob: Buffer | null };

/** Reads the text of a key file: OpenSSH, PEM and PKCS#8 private keys, and public keys. Never throws. */
export function parseKeyFile(text: string): KeyFile {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/m.exec(text)?.[1];
  switch (label) {
    case undefined:
      return parsePublic(text);
    case 'OPENSSH PRIVATE KEY':
      return parseOpenssh(text);
    case 'ENCRYPTED PRIVATE KEY':
      return { kind: 'encrypted', blob: null };
    case 'PRIVATE KEY':
      return parsePkcs8(text);
    default:
      if (/^Proc-Type: 4,ENCRYPTED/m.test(text)) return { kind: 'encrypted', blob: null };
      return parse(text, null);
  }
}

/** The public key of a `.pub` file; null where there is none. */
export function parsePublicKey(text: string): Buffer | null {
  const match = /^\s*([a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(text);
  const blob = Buffer.from(match?.[2] ?? '', 'base64');
  return match !== null && keyType(blob) === match[1] ? blob : null;
}

function parsePublic(text: string): KeyFile {
  if (text.startsWith('PuTTY-User-Key-File')) {
    return { kind: 'unusable', why: 'is a PuTTY key; convert it with `puttygen -O private-openssh`', blob: null };
  }
  const blob = parsePublicKey(text);
  return blob === null ? { kind: 'unusable', why: 'holds no key that ssh knows', blob } : { kind: 'public', blob };
}

const magic = 'openssh-key-v1\0';

/** The cipher and the public key stand unencrypted at the front: OpenSSH's PROTOCOL.key. */
function parseOpenssh(text: string): KeyFile {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1] ?? '';
  const data = Buffer.from(base64, 'base64');
  if (data.toString('latin1', 0, magic.length) !== magic) return { kind: 'unusable', why: 'is damaged', blob: null };
  const fields: Buffer[] = [];
  let at = magic.length;
  for (let i = 0; i < 4; i++) {
    // Before the fourth string, the public key, stands the number of keys.
    if (i === 3) at += 4;
    if (at + 4 > data.length) return { kind: 'unusable', why: 'is damaged', blob: null };
    const end = at + 4 + data.readUInt32BE(at);
    fields.push(data.subarray(at + 4, end));
    at = end;
  }
  const [cipher, , , blob] = fields;
  if (blob === undefined || keyType(blob) === '') return { kind: 'unusable', why: 'is damaged', blob: null };
  if (cipher?.toString('latin1') !== 'none') return { kind: 'encrypted', blob };
  if (keyType(blob).startsWith('sk-'))
    return { kind: 'unusable', why: 'is a FIDO key, which is not supported yet', blob };
  return parse(text, blob);
}

/** ssh2 reads no PKCS#8: RSA and EC go through their older PEM form, Ed25519 has only OpenSSH's own. */
function parsePkcs8(text: string): KeyFile {
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === 'rsa') return parse(key.export({ format: 'pem', type: 'pkcs1' }), null);
    if (key.asymmetricKeyType === 'ec') return parse(key.export({ format: 'pem', type: 'sec1' }), null);
    if (key.asymmetricKeyType === 'ed25519') return parse(opensshOf(key), null);
    return { kind: 'unusable', why: `is of the type "${key.asymmetricKeyType}", which ssh does not know`, blob: null };
  } catch {
    // OpenSSL's texts name no file and no cure; "damaged" is all that they say.
    return { kind: 'unusable', why: 'is damaged', blob: null };
  }
}

function parse(text: string | Buffer, blob: Buffer | null): KeyFile {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error || !key.isPrivateKey()) {
    return { kind: 'unusable', why: 'is damaged or of a type that is not supported', blob };
  }
  return { kind: 'private', key, blob: key.getPublicSSH() };
}

function opensshOf(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const [type, pub, seed] = [Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const blob = Buffer.concat([wireString(type), wireString(pub)]);
  const check = Buffer.alloc(8);
  const secret = Buffer.concat([check, blob, wireString(Buffer.concat([seed, pub])), wireString(Buffer.alloc(0))]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  const none = wireString(Buffer.from('none'));
  const one = Buffer.from([0, 0, 0, 1]);
  const body = [Buffer.from(magic), none, none, wireString(Buffer.alloc(0)), one, wireString(blob)];
  const base64 = Buffer.concat([...body, wireString(Buffer.concat([secret, padding]))]).toString('base64');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64.replace(/.{70}/g, '$&\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
