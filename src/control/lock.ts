import { linkSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from '../core/socket/answers.ts';
import { errorCode } from '../core/model/error-code.ts';

/** Who has the lock of this user's one daemon: us, or a daemon whose socket is named. */
export type Lock = { readonly mine: true; readonly path: string } | { readonly mine: false; readonly path: string };

/**
 * Takes the lock with a socket that already listens at `fresh`, a path in the same folder. The lock is a hard link
 * `lock.N`; the highest N holds it while its socket accepts, which the kernel ends with the process, so there is no
 * stale lock. A number is never used twice: the last link stays behind as a tombstone, because a late rival that saw
 * it dead must not find its number free.
 */
export async function takeLock(folder: string, fresh: string): Promise<Lock> {
  for (;;) {
    const last = highest(folder);
    if (last > 0 && (await answers(join(folder, `lock.${last}`)))) return { mine: false, path: lock(folder, last) };
    const path = lock(folder, last + 1);
    if (!linked(fresh, path)) continue;
    // A rival may have seen a newer state of the folder than we did: only the highest number counts.
    if (highest(folder) > last + 1) {
      unlinkSync(path);
      continue;
    }
    for (const number of numbers(folder)) if (number <= last) removed(lock(folder, number));
    return { mine: true, path };
  }
}

function lock(folder: string, number: number): string {
  return join(folder, `lock.${number}`);
}

function numbers(folder: string): readonly number[] {
  return readdirSync(folder).flatMap((name) => {
    const match = /^lock\.([1-9]\d{0,8})$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

function highest(folder: string): number {
  return Math.max(0, ...numbers(folder));
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function removed(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
