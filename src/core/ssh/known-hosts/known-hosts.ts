import { setImmediate as turn } from 'node:timers/promises';
import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { hostMatcher } from './host-matcher.ts';
import { type KnownHostsLine, parseKnownHostsLine } from './known-hosts-line.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';
import { loadRevokedKeys, type RevokedKeys } from './revoked-keys.ts';

/** What known_hosts says of a key that a server shows. Only `known` may be trusted. */
export type KeyVerdict =
  | { readonly kind: 'known'; readonly file: string; readonly line: number }
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'changed';
      readonly old: readonly OldKey[];
      /** Files among theirs that also have a malformed line: `ssh-keygen -R` refuses to rewrite those. */
      readonly malformed: readonly string[];
    }
  /** `line` is 0 where the file has none: a KRL. */
  | { readonly kind: 'revoked'; readonly file: string; readonly line: number }
  | { readonly kind: 'authority-only'; readonly file: string; readonly line: number };

/** A key that stands in known_hosts where another was shown. */
export interface OldKey {
  readonly type: string;
  readonly fingerprint: string;
  readonly file: string;
  readonly line: number;
}

/** The known_hosts files as they were when they were read. */
export interface KnownHosts {
  /**
   * The verdict on a key in its wire form, synchronously. `name` is HostName, or HostKeyAlias (then with port 22, as ssh looks
   * an alias up without its port). As in OpenSSH a key of a type that is new for a host with other keys is `changed`, and a
   * `[host]:port` of which nothing is known falls back to `host`.
   */
  verdict(name: string, port: number, key: Buffer): KeyVerdict;
  /** Types of the keys that are known for the host and not revoked, as ssh prefers them; `ssh-rsa` stands for rsa-sha2. */
  keyTypes(name: string, port: number): readonly string[];
  /** Lines that were passed over, one sentence each with file:line. */
  readonly warnings: readonly string[];
}

const maxSize = 512 * 1024 * 1024;
/** Lines parsed between two turns of the event loop: about 10 ms. */
const batch = 5_000;
const maxWarnings = 20;

/**
 * Reads known_hosts files in their order, and the file of RevokedHostKeys where there is one. A missing known_hosts file is empty;
 * whatever else cannot be read throws KNOWN_HOSTS_UNREADABLE.
 */
export async function loadKnownHosts(files: readonly string[], revokedFile: string | null = null): Promise<KnownHosts> {
  const lines: KnownHostsLine[] = [];
  const warnings: string[] = [];
  const malformed = new Set<string>();
  for (const file of files) {
    let number = 0;
    for (const text of await readLines(file)) {
      number += 1;
      if (number % batch === 0) await turn();
      const line = parseKnownHostsLine(text, file, number);
      if (typeof line === 'string') {
        malformed.add(file);
        if (warnings.length < maxWarnings) warnings.push(`${file}:${number}: the line is left out, ${line}`);
      } else if (line !== null) {
        lines.push(line);
      }
    }
  }
  const revoked = revokedFile === null ? null : { file: revokedFile, keys: await loadRevokedKeys(revokedFile) };
  return new Index({ lines, warnings, malformed, revoked });
}

async function readLines(file: string): Promise<readonly string[]> {
  const read = await readRegularFile(file, maxSize);
  if (!('why' in read)) return read.data.toString('utf8').split('\n');
  if (read.why === 'missing') return [];
  const text = `${file} ${describeUnreadable(read)}, so no host key can be checked; correct its path or permissions`;
  throw new Fault('KNOWN_HOSTS_UNREADABLE', text, { detail: { file } });
}

interface Loaded {
  readonly lines: readonly KnownHostsLine[];
  readonly warnings: readonly string[];
  readonly malformed: ReadonlySet<string>;
  readonly revoked: { readonly file: string; readonly keys: RevokedKeys } | null;
}

class Index implements KnownHosts {
  readonly warnings: readonly string[];
  readonly #loaded: Loaded;
  /** A hashed name costs an HMAC for each line: asked once for each name. */
  readonly #found = new Map<string, readonly KnownHostsLine[]>();

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    this.warnings = loaded.warnings;
  }

  verdict(name: string, port: number, key: Buffer): KeyVerdict {
    const { revoked, malformed } = this.#loaded;
    const line = revoked?.keys.lineOf(key) ?? null;
    if (revoked !== null && line !== null) return { kind: 'revoked', file: revoked.file, line };
    let authority: KeyVerdict | null = null;
    for (const [index, asked] of namesOf(name, port).entries()) {
      const verdict = judge(this.#of(asked), key, malformed);
      if (verdict.kind === 'authority-only') authority ??= verdict;
      // What the plain name has against the key is no news to ssh: the host with its port stays unknown.
      else if (verdict.kind !== 'unknown' && (index === 0 || verdict.kind !== 'changed')) return verdict;
    }
    return authority ?? { kind: 'unknown' };
  }

  keyTypes(name: string, port: number): readonly string[] {
    for (const asked of namesOf(name, port)) {
      const lines = this.#of(asked);
      const plain = lines.filter((line) => line.marker === 'none');
      const usable = plain.filter(({ key }) => findRevoked(lines, key) === undefined);
      if (plain.length > 0) return [...new Set(usable.map((line) => line.type))].sort((a, b) => rank(a) - rank(b));
    }
    return [];
  }

  #of(name: string): readonly KnownHostsLine[] {
    let found = this.#found.get(name);
    if (found === undefined) {
      const speaksOf = hostMatcher(name);
      found = this.#loaded.lines.filter((line) => speaksOf(line.hosts));
      this.#found.set(name, found);
    }
    return found;
  }
}

/** The names under which a host may stand, the first one first. */
function namesOf(name: string, port: number): readonly string[] {
  const host = name.toLowerCase();
  return port === 22 ? [host] : [knownName(host, port), host];
}

/** A host as a line of known_hosts names it: `host`, or `[host]:port` where the port is not 22; lower case. */
export function knownName(name: string, port: number): string {
  const host = name.toLowerCase();
  return port === 22 ? host : `[${host}]:${port}`;
}

/** OpenSSH's check_key_in_hostkeys(): revocation first, then any equal key, then any other key makes it a changed one. */
function judge(lines: readonly KnownHostsLine[], key: Buffer, malformed: ReadonlySet<string>): KeyVerdict {
  const revoked = findRevoked(lines, key);
  if (revoked !== undefined) return { kind: 'revoked', file: revoked.file, line: revoked.line };
  const plain = lines.filter((line) => line.marker === 'none');
  const known = plain.find((line) => line.key.equals(key));
  if (known !== undefined) return { kind: 'known', file: known.file, line: known.line };
  if (plain.length > 0) {
    const files = new Set(plain.map(({ file }) => file));
    return { kind: 'changed', old: plain.map(oldKey), malformed: [...files].filter((file) => malformed.has(file)) };
  }
  const authority = lines.find((line) => line.marker === 'authority');
  if (authority === undefined) return { kind: 'unknown' };
  return { kind: 'authority-only', file: authority.file, line: authority.line };
}

/** OpenSSH's order: with two known types a server is asked for the same one as by ssh, also when the other key is outdated. */
function rank(type: string): number {
  return type === 'ssh-ed25519' ? 0 : type.startsWith('ecdsa-') ? 1 : 2;
}

function findRevoked(lines: readonly KnownHostsLine[], key: Buffer): KnownHostsLine | undefined {
  return lines.find((line) => line.marker === 'revoked' && line.key.equals(key));
}

function oldKey({ type, key, file, line }: KnownHostsLine): OldKey {
  return { type, fingerprint: fingerprint(key), file, line };
}
