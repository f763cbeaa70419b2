import { accessSync, constants } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../../model/fault.ts';
import { answers } from '../../socket/answers.ts';

/** Removes a Unix socket that a dead program left behind. Throws LISTEN_TAKEN for a live one, and for anything else that stands there. */
export async function clearStaleSocket(path: string): Promise<void> {
  if (await isStale(path)) await unlink(path);
}

/** Throws what listening there would meet, and leaves everything as it is: also the system's error where the folder is not there, or not ours. */
export async function judgeSocketPath(path: string): Promise<void> {
  await isStale(path);
  accessSync(dirname(path), constants.W_OK | constants.X_OK);
}

/** False: nothing is there. Throws LISTEN_TAKEN for what is not to be removed. */
async function isStale(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => null);
  if (stat === null) return false;
  const detail = { listen: `unix:${path}` };
  if (!stat.isSocket()) {
    throw new Fault('LISTEN_TAKEN', `${path} exists and is no socket; remove it, or choose another path`, { detail });
  }
  if (await answers(path)) {
    throw new Fault('LISTEN_TAKEN', `${path} is in use by another program; stop it, or choose another path`, {
      detail,
    });
  }
  return true;
}
