import type { Stats } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isPrivateGroup } from '../../files/private-group.ts';
import { expandGlob } from './glob.ts';
import { describeUnreadable, readRegularFile } from '../regular-file.ts';
import { configFault } from './config-fault.ts';
import { type ConfigLine, lexLine } from './config-line.ts';
import { expandTilde } from './tokens.ts';

/** A file of ssh_config(5) with the files that it includes. */
export interface ConfigFile {
  readonly path: string;
  /** The user's, or included by it: told apart from the system's. */
  readonly user: boolean;
  /** Nobody but this user and root can have written it. */
  readonly trusted: boolean;
  readonly lines: readonly { readonly line: ConfigLine; readonly includes: readonly ConfigFile[] }[];
}

/** What ssh would read, and each path that was looked at on the way. */
export interface ConfigSources {
  readonly roots: readonly ConfigFile[];
  readonly files: readonly string[];
}

const none: readonly ConfigFile[] = [];
const system = '/etc/ssh';
/** OpenSSH's READCONF_MAX_DEPTH. */
const maxDepth = 16;
/** Includes that branch at each level would still read 2^16 files within that depth. */
const maxFiles = 1_000;
const maxSize = 4 * 1024 * 1024;

/** Whose files they are. */
interface Around {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads `~/.ssh/config` and `/etc/ssh/ssh_config`, or only `explicit` where it is given (`ssh -F`; "none" reads nothing), and all
 * that they include. Throws SSH_CONFIG_INVALID for what cannot be read, is not safe to read, or nests too deep.
 */
export async function loadSshConfig(explicit: string | null, { home, env }: Around): Promise<ConfigSources> {
  const files: string[] = [];
  // ssh leaves `~` in Include to glob(3), which asks HOME first.
  const reader = new Reader(env['HOME'] || home, files);
  if (explicit?.toLowerCase() === 'none') return { roots: [], files };
  if (explicit !== null) {
    const root = await reader.read(explicit, { user: true, guarded: false, required: true, depth: 0 });
    return { roots: root === null ? [] : [root], files };
  }
  const own = await reader.read(join(home, '.ssh/config'), { user: true, guarded: true, required: false, depth: 0 });
  const shared = await reader.read(join(system, 'ssh_config'), {
    user: false,
    guarded: false,
    required: false,
    depth: 0,
  });
  return { roots: [own, shared].filter((root) => root !== null), files };
}

interface Reading {
  /** The user's rules: relative includes lie in ~/.ssh, and `~` is understood. */
  readonly user: boolean;
  /** ssh checks owner and mode of the user's own file and of everything included, but not of `-F` and the system's file. */
  readonly guarded: boolean;
  readonly required: boolean;
  readonly depth: number;
}

class Reader {
  readonly #home: string;
  readonly #files: string[];
  #reads = 0;

  constructor(home: string, files: string[]) {
    this.#home = home;
    this.#files = files;
  }

  async read(path: string, reading: Reading): Promise<ConfigFile | null> {
    if (reading.depth > maxDepth)
      throw configFault(`${path}: included more than ${maxDepth} levels deep; remove the loop`);
    this.#reads += 1;
    if (this.#reads > maxFiles) throw configFault(`${path}: more than ${maxFiles} files are included; remove the loop`);
    if (!this.#files.includes(path)) this.#files.push(path);
    const file = await readRegularFile(path, maxSize);
    if ('why' in file) {
      if (file.why === 'missing' && !reading.required) return null;
      throw configFault(`${path} ${describeUnreadable(file)}; correct the path or its permissions`);
    }
    const trusted = isSafe(file.stats);
    if (reading.guarded && !trusted) {
      const { uid, mode } = file.stats;
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw configFault(
        `bad owner or permissions on ${path} (uid ${uid}, ${shown}); \`chmod go-w\` it and make it yours`,
      );
    }
    return { path, user: reading.user, trusted, lines: await this.#lines(path, file.data.toString('utf8'), reading) };
  }

  async #lines(path: string, text: string, reading: Reading): Promise<ConfigFile['lines']> {
    if (text.startsWith('\ufeff')) throw configFault(`${path}:1: begins with a byte order mark; save it without`);
    const lines: ConfigFile['lines'][number][] = [];
    let number = 0;
    for (const written of text.split('\n')) {
      number += 1;
      const line = lexLine(written, `${path}:${number}`);
      if (line === null) continue;
      const includes = line.keyword === 'include' ? await this.#includes(line, reading) : none;
      lines.push({ line, includes });
    }
    return lines;
  }

  async #includes(line: ConfigLine, reading: Reading): Promise<readonly ConfigFile[]> {
    const included: ConfigFile[] = [];
    for (const arg of line.args) {
      if (arg === '') throw configFault(`${line.at}: an argument of Include is empty; remove it`);
      if (arg.startsWith('~') && !reading.user) {
        throw configFault(`${line.at}: the system's file may not include "${arg}"`);
      }
      const path = expandTilde(arg, this.#home, line.at);
      const folder = reading.user ? join(this.#home, '.ssh') : system;
      const { files, folders } = await expandGlob(isAbsolute(path) ? path : join(folder, path));
      this.#files.push(...folders.filter((found) => !this.#files.includes(found)));
      for (const file of files) {
        const next: Reading = { user: reading.user, guarded: true, required: false, depth: reading.depth + 1 };
        const child = await this.read(file, next);
        if (child !== null) included.push(child);
      }
    }
    return included;
  }
}

/** ssh's secure_permissions(): mine or root's, and writable by nobody else. */
function isSafe({ uid, gid, mode }: Stats): boolean {
  if (uid !== 0 && uid !== process.getuid?.()) return false;
  return (mode & 0o002) === 0 && ((mode & 0o020) === 0 || isPrivateGroup(gid));
}
