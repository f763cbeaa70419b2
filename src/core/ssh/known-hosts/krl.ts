import { hash } from 'node:crypto';
import { WireReader } from '../wire-reader.ts';

const magic = Buffer.from('SSHKRL\n\0', 'latin1');

/** Section types of OpenSSH's PROTOCOL.krl, sections 1 and 2. */
const section = { certificates: 1, keys: 2, sha1: 3, signature: 4, sha256: 5 } as const;
const certificates = { list: 0x20, range: 0x21, bitmap: 0x22, ids: 0x23 } as const;

/** A key revocation list, as far as it concerns plain keys. */
export interface Krl {
  revokes(key: Buffer): boolean;
}

/** True for what begins as a KRL. */
export function isKrl(data: Buffer): boolean {
  return data.subarray(0, magic.length).equals(magic);
}

/**
 * Reads a KRL (PROTOCOL.krl). Throws an Error with a few words for what is broken, not known or signed: who would pass over a part
 * of it might trust a key that it revokes.
 */
export function parseKrl(data: Buffer): Krl {
  const reader = readerOf(data);
  reader.bytes(magic.length);
  const version = reader.number();
  if (version !== 1) throw new Error(`it has the format ${version} where 1 is known`);
  // Version, date and flags, then what is reserved, then the comment.
  reader.bytes(24);
  reader.string();
  reader.string();
  const lists = { keys: new Set<string>(), sha1: new Set<string>(), sha256: new Set<string>() };
  while (reader.left > 0) {
    const type = reader.byte();
    if (type === section.signature) throw new Error('it is signed, and signatures of KRLs are not supported');
    const body = readerOf(reader.string());
    if (type === section.certificates) skipCertificates(body);
    else if (type === section.keys) collect(body, lists.keys, null);
    else if (type === section.sha1) collect(body, lists.sha1, 20);
    else if (type === section.sha256) collect(body, lists.sha256, 32);
    else throw new Error(`it has a section of the type ${type}, which is not known`);
  }
  return {
    revokes: (key) =>
      lists.sha1.has(hash('sha1', key, 'base64')) ||
      lists.sha256.has(hash('sha256', key, 'base64')) ||
      lists.keys.has(key.toString('base64')),
  };
}

function collect(body: WireReader, list: Set<string>, length: number | null): void {
  while (body.left > 0) {
    const entry = body.string();
    if (length !== null && entry.length !== length) throw new Error(`a hash has ${entry.length} bytes, not ${length}`);
    list.add(entry.toString('base64'));
  }
}

/** Certificates are never accepted, so which of them are revoked is no matter; that it can be read is. */
function skipCertificates(body: WireReader): void {
  body.string();
  body.string();
  while (body.left > 0) {
    const type = body.byte();
    const part = readerOf(body.string());
    if (type === certificates.list) while (part.left > 0) part.bytes(8);
    else if (type === certificates.range) part.bytes(16);
    else if (type === certificates.bitmap) {
      part.bytes(8);
      part.string();
    } else if (type === certificates.ids) while (part.left > 0) part.string();
    else throw new Error(`it has a section of certificates of the type ${type}, which is not known`);
    if (part.left > 0) throw new Error('a section of certificates has something left over');
  }
}

function readerOf(data: Buffer): WireReader {
  return new WireReader(data, () => new Error('it ends too early'));
}
