import { constants, type Stats } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { errorCode } from '../model/error-code.ts';

/** The text of a file together with whom it belonged to when it was read. */
export interface RegularFile {
  readonly data: Buffer;
  readonly stats: Stats;
}

/** Why a path could not be read as a file. */
export type Unreadable =
  | { readonly why: 'missing' }
  | { readonly why: 'denied' }
  | { readonly why: 'not a regular file' }
  | { readonly why: 'too large' }
  | { readonly why: 'failed'; readonly cause: unknown };

/**
 * Reads a whole regular file of at most `limit` bytes, never waiting: a fifo, a device or a folder is refused, not opened for
 * good. `/dev/null`, and a symlink to it, counts as an empty file, since ssh users write it where they mean "none".
 */
export async function readRegularFile(path: string, limit: number): Promise<RegularFile | Unreadable> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) {
        const isNull = (await realpath(path)) === '/dev/null';
        return isNull ? { data: Buffer.alloc(0), stats } : { why: 'not a regular file' };
      }
      if (stats.size > limit) return { why: 'too large' };
      return { data: await file.readFile(), stats };
    } finally {
      await file.close();
    }
  } catch (error) {
    return translate(error);
  }
}

/** Says in words why a file could not be read. */
export function describeUnreadable(unreadable: Unreadable): string {
  switch (unreadable.why) {
    case 'missing':
      return 'does not exist';
    case 'denied':
      return 'may not be read by this user';
    case 'not a regular file':
    case 'too large':
      return `is ${unreadable.why}`;
    case 'failed':
      return `cannot be read (${errorCode(unreadable.cause)})`;
  }
}

function translate(error: unknown): Unreadable {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { why: 'missing' };
    case 'EACCES':
    case 'EPERM':
      return { why: 'denied' };
    // A socket, or a device without a driver.
    case 'ENXIO':
      return { why: 'not a regular file' };
    default:
      return { why: 'failed', cause: error };
  }
}
