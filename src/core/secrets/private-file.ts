import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { isAbsolute } from 'node:path';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { shellWord } from '../model/shell-word.ts';
import { errorCode } from '../model/error-code.ts';

/** Nothing that is called a token comes near it, bytes. */
const largest = 64 * 1024;

/**
 * Reads a file that holds a secret and that only its owner can read: of this user, a regular one, no symbolic link, at most `most` bytes
 * (default 64 KiB). Null where there is none. Throws TOKEN_UNSAFE.
 */
export function readPrivateFile(path: string, most: number = largest): string | null {
  if (!isAbsolute(path)) throw unsafe(path, `"${printable(path)}" is no absolute path`, 'begin it with / or ~/');
  const descriptor = open(path);
  if (descriptor === null) return null;
  try {
    checkStats(path, fstatSync(descriptor));
    // One byte more than allowed: a file may grow after its size was seen.
    const buffer = Buffer.alloc(most + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count) {
      count = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length > most) throw unsafe(path, `${printable(path)} is larger than ${most} bytes`, 'is it the right file?');
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens without waiting for a fifo's writer, and without following a link. */
function open(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return null;
    // FreeBSD says EMLINK.
    const link = code === 'ELOOP' || code === 'EMLINK';
    const what = link ? `${printable(path)} is a symbolic link` : `${printable(path)} cannot be read (${code})`;
    throw unsafe(path, what, link ? 'name the file that it leads to' : 'check its path and permissions', error);
  }
}

function checkStats(path: string, stats: Stats): void {
  const shown = printable(path);
  if (!stats.isFile()) throw unsafe(path, `${shown} is no regular file`, 'name one');
  const user = process.geteuid?.();
  if (user === undefined) return;
  if (stats.uid !== user) {
    throw unsafe(path, `${shown} belongs to uid ${stats.uid}, not to you`, 'copy it, and own the copy');
  }
  if ((stats.mode & 0o077) === 0) return;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  throw unsafe(path, `${shown} is readable by others (${mode})`, `run: chmod 600 ${printable(shellWord(path))}`);
}

function unsafe(path: string, what: string, todo: string, cause?: unknown): Fault {
  return new Fault('TOKEN_UNSAFE', `${what}; ${todo}`, { cause, detail: { path } });
}
