import { keyType } from '../identity/key-blob.ts';
import { isHostKey, rsaBits } from './host-key-blob.ts';

/** One line of a known_hosts file that names a key. */
export interface KnownHostsLine {
  readonly marker: 'none' | 'revoked' | 'authority';
  /** Which names it speaks of, as written: patterns, or one hashed name. */
  readonly hosts: string;
  readonly type: string;
  readonly key: Buffer;
  readonly file: string;
  readonly line: number;
}

const markers: Readonly<Record<string, KnownHostsLine['marker']>> = {
  '@revoked': 'revoked',
  '@cert-authority': 'authority',
};

/** `|1|`, a salt of 20 bytes, and what it made of the name. */
const hashed = /^\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]+=*$/;

/** OpenSSH's SSH_RSA_MINIMUM_MODULUS_SIZE, in bits: a line with a shorter key is none to it. */
const leastRsa = 1024;

/** Reads a line; null for a blank one or a comment, a sentence for one that ssh would pass over as malformed. */
export function parseKnownHostsLine(text: string, file: string, line: number): KnownHostsLine | string | null {
  const fields = words(text);
  const [first = ''] = fields;
  if (first === '' || first.startsWith('#')) return null;
  const marker = first.startsWith('@') ? (Object.hasOwn(markers, first) ? markers[first] : undefined) : 'none';
  if (marker === undefined) return `the marker "${first}" is not known`;
  if (marker !== 'none') fields.shift();
  const [hosts = '', type = '', base64 = ''] = fields;
  if (hosts.startsWith('@')) return 'it has two markers';
  if (hosts.startsWith('|') && !hashed.test(hosts)) return 'its hashed name is broken';
  const key = readPublicKey(type, base64);
  if (typeof key === 'string') return key;
  if ((rsaBits(key) ?? leastRsa) < leastRsa) return `its RSA key is shorter than ${leastRsa} bits`;
  return { marker, hosts, type, key, file, line };
}

/** Reads a public key as `type base64`; a sentence where it is none that OpenSSH reads. */
export function readPublicKey(type: string, base64: string): Buffer | string {
  if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return 'it has no key';
  const key = Buffer.from(base64, 'base64');
  if (keyType(key) !== type) return `its key is not of the type "${type}"`;
  return isHostKey(key) ? key : `its key of the type "${type}" is not known or broken`;
}

/** The first words of a line as C reads it: up to a zero byte; only blanks and tabs part words, and a CR may end it. */
export function words(text: string): string[] {
  const end = text.indexOf('\0');
  return (end < 0 ? text : text.slice(0, end)).replace(/^[ \t]+|[ \t\r]+$/g, '').split(/[ \t]+/, 4);
}
