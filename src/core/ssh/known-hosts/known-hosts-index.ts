import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { hostMatcher } from './host-matcher.ts';
import { type KnownHostsLine, parseKnownHostsLine } from './known-hosts-line.ts';
import type { Recognition, KnownHosts, OldKey } from './known-hosts.ts';
import { namesOf } from './known-name.ts';
import type { RevokedKeys } from './revoked-keys.ts';

/** A well-formed line, read again when it is asked for: a million keys would not fit into a worker. */
export interface Entry {
  readonly hosts: string;
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

/** What was read from the files. */
export interface Loaded {
  readonly lines: readonly Entry[];
  /** The only names that `lines` speak for; null: for all. */
  readonly names: readonly string[] | null;
  readonly warnings: readonly string[];
  readonly malformed: ReadonlySet<string>;
  readonly revoked: { readonly file: string; readonly keys: RevokedKeys } | null;
}

/** Answers from what was read. */
export class KnownHostsIndex implements KnownHosts {
  readonly warnings: readonly string[];
  readonly #loaded: Loaded;
  /** A hashed name costs an HMAC for each line: asked once for each name. */
  readonly #found = new Map<string, readonly KnownHostsLine[]>();

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    this.warnings = loaded.warnings;
  }

  recognize(name: string, port: number, key: Buffer): Recognition {
    const { revoked, malformed } = this.#loaded;
    const line = revoked?.keys.lineOf(key) ?? null;
    if (revoked !== null && line !== null) return { kind: 'revoked', file: revoked.file, line };
    let authority: Recognition | null = null;
    for (const [index, asked] of namesOf(name, port).entries()) {
      const recognition = judge(this.#of(asked), key, malformed);
      if (recognition.kind === 'authority-only') authority ??= recognition;
      // What the plain name has against the key is no news to ssh: the host with its port stays unknown.
      else if (recognition.kind !== 'unknown' && (index === 0 || recognition.kind !== 'changed')) return recognition;
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
      const { names } = this.#loaded;
      if (names !== null && !names.includes(name)) {
        throw new Fault(
          'INTERNAL',
          'a bug in towline: known_hosts was read for another host; please report it with the log',
        );
      }
      const speaksOf = hostMatcher(name);
      found = this.#loaded.lines
        .filter(({ hosts }) => speaksOf(hosts))
        .map(({ text, file, line }) => parseKnownHostsLine(text, file, line))
        .filter((line) => line !== null && typeof line !== 'string');
      this.#found.set(name, found);
    }
    return found;
  }
}

/** OpenSSH's check_key_in_hostkeys(): revocation first, then any equal key, then any other key makes it a changed one. */
function judge(lines: readonly KnownHostsLine[], key: Buffer, malformed: ReadonlySet<string>): Recognition {
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
