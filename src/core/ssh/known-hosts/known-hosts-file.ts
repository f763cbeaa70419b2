import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Fault } from '../../model/fault.ts';
import { errorCode } from '../../model/error-code.ts';

/** Where a symlink leads at most; the kernel's own limit is 40. */
const mostLinks = 40;

/**
 * Where a known_hosts file really lies: its user's own symlinks are followed, as those to a folder of dotfiles; one that belongs to
 * somebody else throws KNOWN_HOSTS_UNSAFE. Makes `~/.ssh` with mode 0700 where it is missing. The file itself may be missing.
 */
export async function locateKnownHosts(file: string): Promise<string> {
  let path = file;
  try {
    for (let links = 0; links < mostLinks; links += 1) {
      const stats = await lstat(path).catch(missing);
      if (stats === null) await makeFolder(dirname(path));
      if (stats === null || !stats.isSymbolicLink()) return path;
      if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) {
        const text = `${path} is a symlink of another user (uid ${stats.uid}), so nothing is written there; remove it`;
        throw new Fault('KNOWN_HOSTS_UNSAFE', text, { detail: { file } });
      }
      path = resolve(dirname(path), await readlink(path));
    }
  } catch (error) {
    throw error instanceof Fault ? error : unwritable(file, error);
  }
  throw new Fault('KNOWN_HOSTS_UNSAFE', `${file} leads through too many symlinks; mend it`, { detail: { file } });
}

/**
 * Adds a line to the file at a located path, in one write that never mixes with another's. The file is born with mode 0600; a last
 * line without newline gets one first. Throws KNOWN_HOSTS_UNWRITABLE, or KNOWN_HOSTS_UNSAFE for what is no regular file.
 */
export async function appendLine(path: string, line: string): Promise<void> {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  let file: FileHandle;
  try {
    file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o600);
  } catch (error) {
    throw errorCode(error) === 'ELOOP' ? unsafe(path, 'became a symlink') : unwritable(path, error);
  }
  try {
    const { size } = await checkRegular(path, file);
    const data = Buffer.from(`${(await endsOpen(file, size)) ? '\n' : ''}${line}\n`);
    const { bytesWritten } = await file.write(data);
    if (bytesWritten === data.length) return;
    await takeBack(file, size, data.subarray(0, bytesWritten));
    throw unwritable(path, new Error(`only ${bytesWritten} of ${data.length} bytes were taken`));
  } catch (error) {
    throw error instanceof Fault ? error : unwritable(path, error);
  } finally {
    await file.close();
  }
}

/**
 * A full disk: half a line would spoil the next one. It is cut off where nothing but it stands behind what was there before; ssh knows no
 * lock, and beside a line that it wrote meanwhile ours only gets its end.
 */
export async function takeBack(file: FileHandle, size: number, written: Buffer): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(written.length + 1), 0, written.length + 1, size);
  if (bytesRead === written.length && buffer.subarray(0, bytesRead).equals(written)) await file.truncate(size);
  else await file.write('\n').catch(() => undefined);
}

async function makeFolder(folder: string): Promise<void> {
  // As ssh does: any other folder is its user's business.
  if (basename(folder) !== '.ssh') return;
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
}

async function checkRegular(path: string, file: FileHandle): Promise<{ readonly size: number }> {
  const stats = await file.stat();
  if (!stats.isFile()) throw unsafe(path, 'is not a regular file');
  return stats;
}

async function endsOpen(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}

function unsafe(path: string, why: string): Fault {
  const text = `${path} ${why}, so nothing is written there; look at who made it`;
  return new Fault('KNOWN_HOSTS_UNSAFE', text, { detail: { file: path } });
}

function unwritable(path: string, cause: unknown): Fault {
  const code = errorCode(cause);
  const why = typeof code === 'string' ? code : cause instanceof Error ? cause.message : String(cause);
  const text = `the new host key cannot be written to ${path} (${why}); correct its permissions`;
  return new Fault('KNOWN_HOSTS_UNWRITABLE', text, { cause, detail: { file: path } });
}

function missing(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null;
  throw error;
}
