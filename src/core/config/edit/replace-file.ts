import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import { shellWord } from '../../model/shell-word.ts';
import { errorCode } from '../../model/error-code.ts';

/** What a file is to become. */
export interface Replacement {
  readonly path: string;
  /** What it held when the change began; null: there was no file. */
  readonly before: Uint8Array | null;
  readonly after: Uint8Array;
  /** Looks at the new file beside the old one before it takes its place; a throw leaves everything as it was. */
  readonly check: (temporary: string) => void;
}

/**
 * Puts a whole new file in the place of an old one, so that each reader sees the one or the other, also after a power cut. Mode and
 * owner stay, a link goes on to lead to its file; a new one is born 0600, its folder 0700. Throws CONFIG_UNWRITABLE, also where
 * the file is no longer what it was.
 */
export function replaceFile({ path, before, after, check }: Replacement): void {
  let temporary: string | null = null;
  try {
    const real = before === null ? path : realpathSync(path);
    const folder = dirname(real);
    if (before !== null) checkWritable(path, real);
    if (before === null) mkdirSync(folder, { recursive: true, mode: 0o700 });
    temporary = join(folder, `.${basename(real)}.${randomBytes(6).toString('hex')}`);
    write(temporary, after, before === null ? null : real);
    check(temporary);
    if (before === null) place(temporary, path);
    else if (!readFileSync(real).equals(before)) throw changed(path);
    else renameSync(temporary, real);
    syncFolder(folder);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const message = `cannot write ${path} (${errorCode(error)}); check the permissions of its folder, and its space`;
    throw new Fault('CONFIG_UNWRITABLE', message, { cause: error, detail: { path } });
  } finally {
    if (temporary !== null) rmSync(temporary, { force: true });
  }
}

/** A link fails where a file has come up meanwhile; renaming would cover it. */
function place(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? linked(path) : changed(path);
  }
}

/** A file that is put in the place of another one asks nobody: whoever took the right to write away meant it. */
function checkWritable(path: string, real: string): void {
  const { mode } = statSync(real);
  if ((mode & 0o222) !== 0 && mayWrite(real)) return;
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  const message = `${path} is not to be written (mode ${shown}), and is left as it is; run: chmod u+w ${shellWord(path)}`;
  throw new Fault('CONFIG_UNWRITABLE', message, { detail: { path } });
}

function mayWrite(real: string): boolean {
  try {
    accessSync(real, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function linked(path: string): Fault {
  const message = `${path} is a link to ${readlinkSync(path)}; make that file first, or remove the link`;
  return new Fault('CONFIG_UNWRITABLE', message, { detail: { path } });
}

function changed(path: string): Fault {
  const message = `${path} was changed by somebody else meanwhile, and is left as it is; run the command again`;
  return new Fault('CONFIG_UNWRITABLE', message, { detail: { path } });
}

function write(temporary: string, bytes: Uint8Array, like: string | null): void {
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(descriptor, bytes);
    if (like !== null) {
      const { uid, gid, mode } = statSync(like);
      const own = fstatSync(descriptor);
      if (own.uid !== uid || own.gid !== gid) fchownSync(descriptor, uid, gid);
      fchmodSync(descriptor, mode & 0o7777);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The name is on the disk only when the folder is. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
