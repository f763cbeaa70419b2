import { lstat, unlink } from 'node:fs/promises';
import { Fault } from '../../model/fault.ts';
import { answers } from '../../socket/answers.ts';

/** Removes a Unix socket that a dead program left behind. Throws LISTEN_TAKEN for a live one, and for anything else that stands there. */
export async function clearStaleSocket(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => null);
  if (stat === null) return;
  const detail = { listen: `unix:${path}` };
  if (!stat.isSocket()) {
    throw new Fault('LISTEN_TAKEN', `${path} exists and is no socket; remove it, or choose another path`, { detail });
  }
  if (await answers(path)) {
    throw new Fault('LISTEN_TAKEN', `${path} is in use by another program; stop it, or choose another path`, {
      detail,
    });
  }
  await unlink(path);
}
