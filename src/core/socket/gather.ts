import type { Writable } from 'node:stream';

/** Gives a function to call before each write: all that is written in one turn of the event loop leaves in one system call. */
export function gatherWrites(stream: Writable): () => void {
  let gathering = false;
  return () => {
    if (gathering) return;
    gathering = true;
    stream.cork();
    process.nextTick(() => {
      gathering = false;
      stream.uncork();
    });
  };
}
