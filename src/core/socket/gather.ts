import type { Writable } from 'node:stream';

/**
 * Gives a function to call before each write: all that is written in one round of the event loop leaves in one system call. It
 * says whether this is the first write of the round.
 */
export function gatherWrites(stream: Writable): () => boolean {
  let gathering = false;
  return () => {
    if (gathering) return false;
    gathering = true;
    stream.cork();
    process.nextTick(() => {
      gathering = false;
      stream.uncork();
    });
    return true;
  };
}
