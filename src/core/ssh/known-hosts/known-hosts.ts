import { setImmediate as breathe } from 'node:timers/promises';
import { Fault } from '../../model/fault.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';
import { type Entry, KnownHostsIndex } from './known-hosts-index.ts';
import { parseKnownHostsLine } from './known-hosts-line.ts';
import { loadRevokedKeys } from './revoked-keys.ts';

/** What known_hosts says of a key that a server shows. Only `known` may be trusted. */
export type Recognition =
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
   * Says what the files know of a key in its wire form, synchronously. `name` is HostName, or HostKeyAlias (then with port 22, as ssh
   * looks an alias up without its port). As in OpenSSH a key of a type that is new for a host with other keys is `changed`, and a
   * `[host]:port` of which nothing is known falls back to `host`.
   */
  recognize(name: string, port: number, key: Buffer): Recognition;
  /** Types of the keys that are known for the host and not revoked, as ssh prefers them; `ssh-rsa` stands for rsa-sha2. */
  keyTypes(name: string, port: number): readonly string[];
  /** Lines that were passed over, one sentence each with file:line. */
  readonly warnings: readonly string[];
}

const maxSize = 512 * 1024 * 1024;
/** Lines parsed between two rounds of the event loop: about 10 ms. */
const batch = 5_000;
const maxWarnings = 20;

/**
 * Reads known_hosts files in their order, and the file of RevokedHostKeys where there is one. A missing known_hosts file is empty;
 * whatever else cannot be read throws KNOWN_HOSTS_UNREADABLE.
 */
export async function loadKnownHosts(files: readonly string[], revokedFile: string | null = null): Promise<KnownHosts> {
  const lines: Entry[] = [];
  const warnings: string[] = [];
  const malformed = new Set<string>();
  for (const file of files) {
    let number = 0;
    for (const text of await readLines(file)) {
      number += 1;
      if (number % batch === 0) await breathe();
      const line = parseKnownHostsLine(text, file, number);
      if (typeof line === 'string') {
        malformed.add(file);
        if (warnings.length < maxWarnings) warnings.push(`${file}:${number}: the line is left out, ${line}`);
      } else if (line !== null) {
        lines.push({ hosts: line.hosts, text, file, line: number });
      }
    }
  }
  const revoked = revokedFile === null ? null : { file: revokedFile, keys: await loadRevokedKeys(revokedFile) };
  return new KnownHostsIndex({ lines, warnings, malformed, revoked });
}

async function readLines(file: string): Promise<readonly string[]> {
  const read = await readRegularFile(file, maxSize);
  if (!('why' in read)) return read.data.toString('utf8').split('\n');
  if (read.why === 'missing') return [];
  const text = `${file} ${describeUnreadable(read)}, so no host key can be checked; correct its path or permissions`;
  throw new Fault('KNOWN_HOSTS_UNREADABLE', text, { detail: { file } });
}
