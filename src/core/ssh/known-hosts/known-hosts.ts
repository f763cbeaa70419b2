import { setImmediate as breathe } from 'node:timers/promises';
import { Fault } from '../../model/fault.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';
import { type Entry, KnownHostsIndex } from './known-hosts-index.ts';
import { hostMatcher } from './host-matcher.ts';
import { namesOf } from './known-name.ts';
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
/** So long the event loop is held at most, ms; the clock is looked at after so many lines. */
const hold = 10;
const batch = 64;
const maxWarnings = 20;

/** The one host that known_hosts is read for, as `recognize` takes it. */
export interface KnownAs {
  readonly name: string;
  readonly port: number;
}

/**
 * Reads known_hosts files in their order, and the file of RevokedHostKeys where there is one. A missing known_hosts file is empty;
 * whatever else cannot be read throws KNOWN_HOSTS_UNREADABLE. With `about` only the lines that speak of that host are kept, and no other
 * one may be asked for: a hashed name costs an HMAC for each line, which is done here, where the event loop is let go in between.
 */
export async function loadKnownHosts(
  files: readonly string[],
  revokedFile: string | null = null,
  about: KnownAs | null = null,
): Promise<KnownHosts> {
  const names = about === null ? null : namesOf(about.name, about.port);
  const matchers = names?.map(hostMatcher) ?? null;
  let free = performance.now();
  const lines: Entry[] = [];
  const warnings: string[] = [];
  const malformed = new Set<string>();
  for (const file of files) {
    let number = 0;
    const data = await readKnownHosts(file);
    free = performance.now();
    for (const text of linesOf(data)) {
      number += 1;
      if (number % batch === 0 && performance.now() - free > hold) {
        await breathe();
        free = performance.now();
      }
      const line = parseKnownHostsLine(text, file, number);
      if (typeof line === 'string') {
        malformed.add(file);
        if (warnings.length < maxWarnings) warnings.push(`${file}:${number}: the line is left out, ${line}`);
      } else if (line !== null && matchers?.every((speaksOf) => !speaksOf(line.hosts)) !== true) {
        lines.push({ hosts: line.hosts, text, file, line: number });
      }
    }
  }
  const revoked = revokedFile === null ? null : { file: revokedFile, keys: await loadRevokedKeys(revokedFile) };
  return new KnownHostsIndex({ lines, names, warnings, malformed, revoked });
}

/** One at a time: a million of them at once would hold the event loop for a second. */
function* linesOf(data: Buffer): Generator<string> {
  let from = 0;
  for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, from)) {
    yield data.toString('utf8', from, end);
    from = end + 1;
  }
  yield data.toString('utf8', from);
}

async function readKnownHosts(file: string): Promise<Buffer> {
  const read = await readRegularFile(file, maxSize);
  if (!('why' in read)) return read.data;
  if (read.why === 'missing') return Buffer.alloc(0);
  const text = `${file} ${describeUnreadable(read)}, so no host key can be checked; correct its path or permissions`;
  throw new Fault('KNOWN_HOSTS_UNREADABLE', text, { detail: { file } });
}
