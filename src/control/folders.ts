import { chmodSync, lstatSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { Fault } from '../core/model/fault.ts';
import { errorCode } from '../core/model/error-code.ts';

/** Where the daemon of one user lives. */
export interface Folders {
  /** Holds the control socket; 0700. */
  readonly runtime: string;
  /** Holds what survives a restart; 0700. */
  readonly state: string;
  /** The control socket. */
  readonly socket: string;
  /** The log; `.1` beside it is the one before. */
  readonly log: string;
}

/** What the places are computed from. */
export interface FolderFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number;
  /** Where the system keeps one runtime folder per user. */
  readonly userRuntime: string;
}

/** The largest `sun_path` of Linux without its final NUL: Node 20 would listen on a truncated path without a word. */
const socketPathLimit = 107;

/** The folders of this user, computed from the uid so that a login shell, cron and systemd meet. Touches nothing. */
export function locateFolders(facts: FolderFacts = currentFacts()): Folders {
  const { env, home, uid, userRuntime } = facts;
  const state = join(absolute(env['XDG_STATE_HOME']) ?? join(home, '.local', 'state'), 'towline');
  const runtime = chosenRuntime(env) ?? isFolder(join(userRuntime, String(uid))) ?? join(state, 'run');
  const socket = join(runtime, 'towline.sock');
  const length = Buffer.byteLength(socket);
  if (length > socketPathLimit) {
    throw unsafe(`the socket path ${socket} is too long (${length} > ${socketPathLimit} bytes)`, runtime);
  }
  return { runtime, state, socket, log: join(state, 'towline.log') };
}

/** Creates both folders 0700 and refuses any that others could reach: a symlink, another owner, a wider mode. */
export function openFolders(folders: Folders): void {
  for (const folder of [folders.state, folders.runtime]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      const reason = firstRefusal(folder) ?? error;
      throw unsafe(`the folder ${folder} cannot be created (${errorCode(reason)})`, folder, reason);
    }
    checkFolder(folder);
  }
}

/** Why the topmost folder that is missing cannot be made: Node says ENOENT where a file system is read-only (EROFS). */
function firstRefusal(folder: string): unknown {
  const above = dirname(folder);
  if (above !== folder && statSync(above, { throwIfNoEntry: false }) === undefined) return firstRefusal(above);
  try {
    mkdirSync(folder, { mode: 0o700 });
    return null;
  } catch (error) {
    return error;
  }
}

/** Throws RUNTIME_UNSAFE unless the folder is ours alone. */
export function checkFolder(folder: string): void {
  const stats = look(folder);
  const uid = process.getuid?.() ?? stats.uid;
  if (stats.isSymbolicLink()) throw unsafe(`${folder} is a symbolic link`, folder);
  if (!stats.isDirectory()) throw unsafe(`${folder} is no folder`, folder);
  if (stats.uid !== uid) throw unsafe(`${folder} belongs to uid ${stats.uid}, not to you (uid ${uid})`, folder);
  if ((stats.mode & 0o077) !== 0) {
    throw unsafe(`${folder} can be reached by others (mode ${modeOf(stats)})`, folder);
  }
  // In a parent that everybody may write, without the sticky bit, the folder could be swapped under us.
  const parent = statSync(dirname(folder));
  if ((parent.mode & 0o1002) === 0o002) throw unsafe(`everybody may replace ${folder}`, folder);
}

/** Gives a folder of ours that a daemon uses its mode back; the mode that it had meanwhile, null: nobody had changed it. */
export function mendMode(folder: string): string | null {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  // What has become of one that is no folder of ours is said by who opens it.
  if (stats?.isDirectory() !== true || stats.uid !== (process.getuid?.() ?? stats.uid)) return null;
  if ((stats.mode & 0o777) === 0o700) return null;
  chmodSync(folder, 0o700);
  return modeOf(stats);
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

function currentFacts(): FolderFacts {
  return { env: process.env, home: homedir(), uid: process.getuid?.() ?? 0, userRuntime: '/run/user' };
}

function chosenRuntime(env: FolderFacts['env']): string | null {
  const chosen = env['TOWLINE_RUNTIME_DIR'] ?? '';
  if (chosen === '') return null;
  if (isAbsolute(chosen)) return chosen;
  const text = `TOWLINE_RUNTIME_DIR is "${chosen}"; give an absolute path, for commands run in many folders`;
  throw new Fault('RUNTIME_UNSAFE', text, { detail: { folder: chosen } });
}

/** The XDG specification: a relative path is ignored. */
function absolute(path: string | undefined): string | null {
  return path !== undefined && isAbsolute(path) ? path : null;
}

function isFolder(folder: string): string | null {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? join(folder, 'towline') : null;
}

function look(folder: string): Stats {
  try {
    return lstatSync(folder);
  } catch (error) {
    throw unsafe(`${folder} cannot be examined (${errorCode(error)})`, folder, error);
  }
}

function unsafe(what: string, folder: string, cause?: unknown): Fault {
  const todo = 'make it yours with mode 0700, or name another in TOWLINE_RUNTIME_DIR or XDG_STATE_HOME';
  return new Fault('RUNTIME_UNSAFE', `${what}; ${todo}`, { cause, detail: { folder } });
}
