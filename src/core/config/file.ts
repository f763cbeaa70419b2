import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Fault } from '../model/fault.ts';
import { shellWord } from '../model/shell-word.ts';
import { isPrivateGroup } from '../files/private-group.ts';
import { errorCode } from '../model/error-code.ts';

/** No config comes near it, and everything that reads the text stays quick below it. */
const largest = 1024 * 1024;

/** Reads a config file that nobody but its owner and root can have written. Throws CONFIG_MISSING, _UNREADABLE or _UNSAFE. */
export function readSafely(path: string, home: string): Uint8Array {
  const descriptor = open(path);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) {
      throw new Fault('CONFIG_UNREADABLE', `${path} is ${kindOf(stats)}; name a regular file`, { detail: { path } });
    }
    if (stats.size > largest) throw tooLarge(path, stats.size);
    checkOwner(path, stats);
    for (const folder of foldersOf(path, home)) checkOwner(folder, statSync(folder));
    return read(descriptor, path);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens without waiting: a fifo would block the whole daemon until somebody writes. */
function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new Fault('CONFIG_MISSING', `there is no config file ${path}; write it, or name another with --config`, {
        cause: error,
        detail: { path },
      });
    }
    throw new Fault('CONFIG_UNREADABLE', `cannot read ${path} (${code}); check its path and permissions`, {
      cause: error,
      detail: { path },
    });
  }
}

/** One byte more than allowed is asked for, since a file may grow after its size was seen. */
function read(descriptor: number, path: string): Uint8Array {
  const buffer = Buffer.alloc(largest + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw tooLarge(path, length);
}

function tooLarge(path: string, size: number): Fault {
  const message = `${path} has ${size} bytes, more than ${largest}; is it the right file?`;
  return new Fault('CONFIG_UNREADABLE', message, { detail: { path, size } });
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a fifo';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** The folder of the file, that of the link it was reached by, and inside the home folder all up to it. */
function foldersOf(path: string, home: string): readonly string[] {
  const folders = new Set<string>();
  for (const start of [dirname(path), dirname(realpathSync(path))]) {
    folders.add(start);
    const steps = relative(home, start);
    if (steps.startsWith('..') || steps.startsWith('/')) continue;
    for (let folder = start; folder !== home && folder !== dirname(folder); folder = dirname(folder))
      folders.add(folder);
    folders.add(join(home, '.'));
  }
  return [...folders];
}

function checkOwner(path: string, stats: Stats): void {
  const user = process.geteuid?.();
  // Without user ids (Windows) the mode says nothing about other users.
  if (user === undefined) return;
  const detail = { path, mode: octal(stats), owner: stats.uid };
  if (stats.uid !== user && stats.uid !== 0) {
    const message = `${path} belongs to user ${stats.uid}, who could change it; run: chown ${user} ${shellWord(path)}`;
    throw new Fault('CONFIG_UNSAFE', message, { detail });
  }
  const others = (stats.mode & 0o002) !== 0 || ((stats.mode & 0o020) !== 0 && !isPrivateGroup(stats.gid));
  // In a sticky folder, such as /tmp, nobody can replace what is not his.
  if (!others || (stats.isDirectory() && (stats.mode & 0o1000) !== 0)) return;
  const message = `${path} can be written by others (mode ${octal(stats)}); run: chmod go-w ${shellWord(path)}`;
  throw new Fault('CONFIG_UNSAFE', message, { detail });
}

function octal(stats: Stats): string {
  return (stats.mode & 0o7777).toString(8).padStart(4, '0');
}
