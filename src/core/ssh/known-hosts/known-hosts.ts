import { setImmediate as turn } from 'node:timers/promises';
import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { hostMatcher } from './host-matcher.ts';
import { type KnownHostsLine, parseKnownHostsLine } from './known-hosts-line.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';

/** What known_hosts says of a key that a server shows. Only `known` may be trusted. */
export type KeyVerdict =
  | { readonly kind: 'known'; readonly file: string; readonly line: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed'; readonly old: readonly OldKey[] }
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
  /** Types of the keys that are known for the host, in the order of the files; `ssh-rsa` stands for the rsa-sha2 algorithms. */
  keyTypes(name: string, port: number): readonly string[];
  /** Lines that were passed over, one sentence each with file:line. */
  readonly warnings: readonly string[];
}

const maxSize = 512 * 1024 * 1024;
/** Lines parsed between two turns of the event loop: about 10 ms. */
const batch = 5_000;
const maxWarnings = 20;

/** Reads known_hosts files in their order; a missing one is empty, an unreadable one throws KNOWN_HOSTS_UNREADABLE. */
export async function loadKnownHosts(files: readonly string[]): Promise<KnownHosts> {
  const lines: KnownHostsLine[] = [];
  const warnings: string[] = [];
  for (const file of files) {
    let number = 0;
    for (const text of await readLines(file)) {
      number += 1;
      if (number % batch === 0) await turn();
      const line = parseKnownHostsLine(text, file, number);
      if (typeof line === 'string') {
        if (warnings.length < maxWarnings) warnings.push(`${file}:${number}: the line is left out, ${line}`);
      } else if (line !== null) {
        lines.push(line);
      }
    }
  }
  return new Index(lines, warnings);
}

async function readLines(file: string): Promise<readonly string[]> {
  const read = await readRegularFile(file, maxSize);
  if (!('why' in read)) return read.data.toString('utf8').split('\n');
  if (read.why === 'missing') return [];
  const text = `${file} ${describeUnreadable(read)}, so no host key can be checked; correct its path or permissions`;
  throw new Fault('KNOWN_HOSTS_UNREADABLE', text, { detail: { file } });
}

class Index implements KnownHosts {
  readonly warnings: readonly string[];
  readonly #lines: readonly KnownHostsLine[];
  /** A hashed name costs an HMAC for each line: asked once for each name. */
  readonly #found = new Map<string, readonly KnownHostsLine[]>();

  constructor(lines: readonly KnownHostsLine[], warnings: readonly string[]) {
    this.#lines = lines;
    this.warnings = warnings;
  }

  verdict(name: string, port: number, key: Buffer): KeyVerdict {
    let authority: KeyVerdict | null = null;
    for (const [index, asked] of namesOf(name, port).entries()) {
      const verdict = judge(this.#of(asked), key);
      if (verdict.kind === 'authority-only') authority ??= verdict;
      // What the plain name has against the key is no news to ssh: the host with its port stays unknown.
      else if (verdict.kind !== 'unknown' && (index === 0 || verdict.kind !== 'changed')) return verdict;
    }
    return authority ?? { kind: 'unknown' };
  }

  keyTypes(name: string, port: number): readonly string[] {
    for (const asked of namesOf(name, port)) {
      const plain = this.#of(asked).filter((line) => line.marker === 'none');
      if (plain.length > 0) return [...new Set(plain.map((line) => line.type))];
    }
    return [];
  }

  #of(name: string): readonly KnownHostsLine[] {
    let found = this.#found.get(name);
    if (found === undefined) {
      const speaksOf = hostMatcher(name);
      found = this.#lines.filter((line) => speaksOf(line.hosts));
      this.#found.set(name, found);
    }
    return found;
  }
}

/** The names under which a host may stand, the first one first. */
function namesOf(name: string, port: number): readonly string[] {
  const host = name.toLowerCase();
  return port === 22 ? [host] : [`[${host}]:${port}`, host];
}

/** OpenSSH's check_key_in_hostkeys(): revocation first, then any equal key, then any other key makes it a changed one. */
function judge(lines: readonly KnownHostsLine[], key: Buffer): KeyVerdict {
  const revoked = lines.find((line) => line.marker === 'revoked' && line.key.equals(key));
  if (revoked !== undefined) return { kind: 'revoked', file: revoked.file, line: revoked.line };
  const plain = lines.filter((line) => line.marker === 'none');
  const known = plain.find((line) => line.key.equals(key));
  if (known !== undefined) return { kind: 'known', file: known.file, line: known.line };
  if (plain.length > 0) return { kind: 'changed', old: plain.map(oldKey) };
  const authority = lines.find((line) => line.marker === 'authority');
  if (authority === undefined) return { kind: 'unknown' };
  return { kind: 'authority-only', file: authority.file, line: authority.line };
}

function oldKey({ type, key, file, line }: KnownHostsLine): OldKey {
  return { type, fingerprint: fingerprint(key), file, line };
}
