import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../../model/error-code.ts';

/** How often a lock that is held is looked at, ms. */
const period = 15;
/** At every so many looks the age of a lock of another machine is taken: that writes to the folder. */
const rarely = 64;
/** How often its holder writes a lock anew, ms. */
const refresh = 3_000;
/** A lock of another machine that nobody wrote for so long belongs to nobody, ms. */
const oldest = 30_000;

/** A lock of ours: what stands in it is in no other one. */
interface Held {
  readonly file: FileHandle;
  readonly text: string;
}

/**
 * Does `work` while a lock file `PATH.towline-lock` is held, one process after the other. It keeps two workers from learning two
 * keys of one host; what is written must be whole without it too, for ssh knows no lock, and in a folder that may not be written
 * there is none. A process of this machine that lives keeps its lock however long it works; of another machine only the age of the
 * lock is known. Rejects with the signal's reason, or with what `work` rejects with.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const lock = `${path}.towline-lock`;
  let held = await take(lock);
  for (let looks = 0; held === 'busy'; looks += 1) {
    const aged = looks % rarely === 0;
    if (await isStale(lock, aged)) await clearAway(lock);
    // Also where it could not be removed.
    await sleep(period, undefined, { signal });
    held = await take(lock);
  }
  if (held === 'none') return work();
  const { file, text } = held;
  const beat = setInterval(() => void file.write(text, 0).catch(() => undefined), refresh);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await file.close().catch(() => undefined);
    // Taken for stale by another machine: then it is that one's now.
    if ((await readFile(lock, 'utf8').catch(() => '')) === text) await unlink(lock).catch(() => undefined);
  }
}

/** Takes a stale lock away; one that somebody took meanwhile is put back. */
async function clearAway(lock: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
    if (!(await isStale(aside, true))) await link(aside, lock);
    await unlink(aside);
  } catch {
    // Another one was quicker.
  }
}

/** `busy` while another one holds it; `none` where none can be made. */
async function take(lock: string): Promise<Held | 'busy' | 'none'> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  let file: FileHandle;
  try {
    file = await open(lock, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (error) {
    return errorCode(error) === 'EEXIST' ? 'busy' : 'none';
  }
  const text = `${process.pid} ${hostname()} ${(await bornAt(process.pid)) ?? '-'} ${randomUUID()}\n`;
  try {
    await file.write(text, 0);
    return { file, text };
  } catch {
    // A full disk: an empty lock would tell nobody whose it is.
    await file.close().catch(() => undefined);
    await unlink(lock).catch(() => undefined);
    return 'none';
  }
}

/** `aged`: whether the age of one that is not this machine's is looked at. */
async function isStale(lock: string, aged: boolean): Promise<boolean> {
  try {
    const [, pid, host, born] = /^(\d+) (\S+)(?: (\S+) \S+)?\n$/.exec(await readFile(lock, 'utf8')) ?? [];
    if (pid !== undefined && host === hostname()) return !(await lives(Number(pid), born));
    return aged && (await ageOf(lock)) > oldest;
  } catch {
    // Given back meanwhile.
    return false;
  }
}

/** By the clock that dates its files, which may be a file server's, ms. */
async function ageOf(lock: string): Promise<number> {
  const probe = `${lock}.${randomUUID()}`;
  const file = await open(probe, 'wx', 0o600);
  try {
    const [now, then] = await Promise.all([file.stat(), stat(lock)]);
    return now.mtimeMs - then.mtimeMs;
  } finally {
    await file.close();
    await unlink(probe);
  }
}

async function lives(pid: number, born: string | undefined): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  // After a restart of the machine the number is another one's.
  const now = await bornAt(pid);
  return now === null || born === undefined || born === '-' || now === born;
}

/** When a process began, in ticks since the machine did (proc(5), field 22); null where there is no /proc. */
async function bornAt(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
