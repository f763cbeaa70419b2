import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a lock that is held is looked at, ms. */
const period = 15;
/** A lock of this age belongs to nobody: it is held while one line is added, ms. */
const oldest = 10_000;

/**
 * Does `work` while a lock file `PATH.towline-lock` is held, one process after the other. It keeps two workers from learning two
 * keys of one host; what is written must be whole without it too, for ssh knows no lock, and in a folder that may not be written
 * there is none. Rejects with the signal's reason, or with what `work` rejects with.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const lock = `${path}.towline-lock`;
  while (!(await take(lock))) {
    if (await isStale(lock)) await clearAway(lock);
    // Also where it could not be removed.
    await sleep(period, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    // Gone already where it was taken for stale.
    await unlink(lock).catch(() => undefined);
  }
}

/** Takes a stale lock away; one that somebody took meanwhile is put back. */
async function clearAway(lock: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
    if (!(await isStale(aside))) await link(aside, lock);
    await unlink(aside);
  } catch {
    // Another one was quicker.
  }
}

/** False while another one holds it. */
async function take(lock: string): Promise<boolean> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    const file = await open(lock, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    await file.writeFile(`${process.pid} ${hostname()}\n`).finally(() => file.close());
    return true;
  } catch (error) {
    return codeOf(error) !== 'EEXIST';
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const [{ mtimeMs }, text] = await Promise.all([stat(lock), readFile(lock, 'utf8')]);
    if (Date.now() - mtimeMs > oldest) return true;
    const [, pid, host] = /^(\d+) (.*)\n$/.exec(text) ?? [];
    return pid !== undefined && host === hostname() && !isAlive(Number(pid));
  } catch {
    // Given back meanwhile.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
