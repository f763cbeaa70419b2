import { keyType } from '../identity/key-blob.ts';

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

/** Reads a line; null for a blank one or a comment, a sentence for one that ssh would pass over as malformed. */
export function parseKnownHostsLine(text: string, file: string, line: number): KnownHostsLine | string | null {
  const fields = text.trim().split(/[ \t]+/, 4);
  const [first = ''] = fields;
  if (first === '' || first.startsWith('#')) return null;
  const marker = first.startsWith('@') ? (Object.hasOwn(markers, first) ? markers[first] : undefined) : 'none';
  if (marker === undefined) return `the marker "${first}" is not known`;
  if (marker !== 'none') fields.shift();
  const [hosts = '', type = '', base64 = ''] = fields;
  if (hosts.startsWith('@')) return 'it has two markers';
  if (hosts.startsWith('|') && !/^\|1\|[A-Za-z0-9+/]+=*\|[A-Za-z0-9+/]+=*$/.test(hosts))
    return 'its hashed name is broken';
  if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return 'it has no key';
  const key = Buffer.from(base64, 'base64');
  if (keyType(key) !== type) return `its key is not of the type "${type}"`;
  return { marker, hosts, type, key, file, line };
}
