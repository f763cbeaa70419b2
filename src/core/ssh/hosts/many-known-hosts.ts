import { hostMatcher } from '../known-hosts/host-matcher.ts';
import { type KnownHostsLine, parseKnownHostsLine } from '../known-hosts/known-hosts-line.ts';
import { readRegularFile } from '../regular-file.ts';
import { matchPatterns } from '../resolve/pattern.ts';

/** What a known_hosts file says of one name. */
export interface KnownKeys {
  /** `unsearched`: too many hashed entries were asked about already. */
  readonly state: 'known' | 'authority' | 'none' | 'unsearched';
  /** Types of the keys that are known, such as `ssh-ed25519`. */
  readonly types: readonly string[];
}

/** A known_hosts file, read once for questions about thousands of names. */
export interface ManyKnownHosts {
  /** Names and addresses that stand there in plain, `[host]:port` as it stands, with the lines that name them; none that is only revoked. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Entries whose name is hashed. */
  readonly hashed: number;
  /** Why there is nothing to be known of it; null for a file that was read, or is not there. */
  readonly trouble: string | null;
  /** The lines that speak of a name (lower case). Null: that would take more comparisons than `budget` has left. */
  linesOf(name: string, budget: Budget): readonly KnownHostsLine[] | null;
}

/** How many hashed entries may still be compared; each costs about 4 microseconds. */
export interface Budget {
  left: number;
}

const maxSize = 64 * 1024 * 1024;

/** Reads and indexes a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export async function readManyKnownHosts(file: string): Promise<ManyKnownHosts> {
  const read = await readRegularFile(file, maxSize);
  if ('why' in read) {
    const trouble = read.why === 'missing' ? null : `${file} cannot be read, so its keys are not known here`;
    return { names: new Map(), hashed: 0, trouble, linesOf: () => [] };
  }
  const lines: KnownHostsLine[] = [];
  for (const [index, text] of read.data.toString('utf8').split('\n').entries()) {
    const line = parseKnownHostsLine(text, file, index + 1);
    if (line !== null && typeof line !== 'string') lines.push(line);
  }
  return new Index(lines);
}

class Index implements ManyKnownHosts {
  readonly names = new Map<string, string[]>();
  readonly hashed: number;
  readonly trouble = null;
  readonly #plain = new Map<string, KnownHostsLine[]>();
  readonly #patterns: KnownHostsLine[] = [];
  readonly #answers = new Map<string, readonly KnownHostsLine[]>();
  /** Those that no name has answered to yet: an entry hashes one name only. */
  #unnamed: readonly KnownHostsLine[];

  constructor(lines: readonly KnownHostsLine[]) {
    for (const line of lines) {
      const names = line.hosts.toLowerCase().split(',');
      if (line.hosts.startsWith('|')) continue;
      if (/[*?!]/.test(line.hosts)) this.#patterns.push(line);
      else for (const name of names) put(this.#plain, name, line);
      if (line.marker === 'revoked') continue;
      for (const name of names)
        if (name !== '' && !/[*?!]/.test(name)) put(this.names, name, `${line.file}:${line.line}`);
    }
    this.#unnamed = lines.filter((line) => line.hosts.startsWith('|'));
    this.hashed = this.#unnamed.length;
  }

  linesOf(name: string, budget: Budget): readonly KnownHostsLine[] | null {
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    const patterns = this.#patterns.filter(
      (line) => matchPatterns(name, line.hosts.toLowerCase().split(',')) === 'yes',
    );
    const plain = [...(this.#plain.get(name) ?? []), ...patterns];
    // Whoever stands there in plain is hardly hashed as well.
    const hashed = plain.length > 0 ? [] : this.#search(name, budget);
    if (hashed === null) return null;
    const lines = [...plain, ...hashed];
    this.#answers.set(name, lines);
    return lines;
  }

  #search(name: string, budget: Budget): readonly KnownHostsLine[] | null {
    if (this.#unnamed.length > budget.left) return null;
    budget.left -= this.#unnamed.length;
    const speaksOf = hostMatcher(name);
    const found = this.#unnamed.filter((line) => speaksOf(line.hosts));
    if (found.length > 0) this.#unnamed = this.#unnamed.filter((line) => !found.includes(line));
    return found;
  }
}

function put<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** What several files say of a host that is looked up under these names, the first one first. */
export function knownKeys(files: readonly ManyKnownHosts[], names: readonly string[], budget: Budget): KnownKeys {
  let authority = false;
  let searched = true;
  for (const name of names) {
    const answers = files.map((file) => file.linesOf(name, budget));
    searched &&= !answers.includes(null);
    const lines = answers.flatMap((answer) => answer ?? []);
    const revoked = lines.filter((line) => line.marker === 'revoked');
    const plain = lines.filter(
      (line) => line.marker === 'none' && !revoked.some((other) => other.key.equals(line.key)),
    );
    if (plain.length > 0) return { state: 'known', types: [...new Set(plain.map((line) => line.type))] };
    authority ||= lines.some((line) => line.marker === 'authority');
  }
  return { state: authority ? 'authority' : searched ? 'none' : 'unsearched', types: [] };
}
