import type { ChildProcess } from 'node:child_process';

/** No word of a forked process is a tenth as long, bytes: what plugins may hand over is bounded. */
const longest = 8 * 1024 * 1024;

/** How Node reads the channel of a forked process: `onread` is called with each piece of bytes. */
interface ChannelHandle {
  onread: (this: ChannelHandle, bytes: ArrayBuffer | undefined) => unknown;
}

/**
 * Bounds what a forked process may say. A plugin in it may write to the channel's descriptor: bytes without a line feed, which Node would keep
 * until no string can hold them, or a line that is no JSON, or one of Node's own words at the wrong time, at both of which Node throws where
 * nobody can catch it. `told` hears of either, once, and nothing is read any more. Returns what is to be called with each message. Node has no
 * way for this but its own handle (Node 20, 22 and 24); without one nothing is bounded. `receipt` hears of each handle that was sent, in order, whether
 * it came: one that did not, as where the process has no descriptor left, is told to nobody, and its message is lost with it.
 */
export function guardChannel(
  child: ChildProcess,
  told: (cause?: unknown) => void,
  receipt: (came: boolean) => void,
): () => void {
  let since = 0;
  let over = false;
  const handle = handleOf(child);
  if (handle === null) return () => undefined;
  const read = handle.onread;
  const end = (cause?: unknown) => {
    if (over) return;
    over = true;
    told(cause);
  };
  // Node's own listener asserts that each receipt is for a handle that it sent.
  const own = child.listeners('internalMessage');
  child.removeAllListeners('internalMessage');
  child.on('internalMessage', (...words: unknown[]) => {
    try {
      for (const listener of own) Reflect.apply(listener, child, words);
      const cmd = commandOf(words[0]);
      if (cmd === 'NODE_HANDLE_ACK' || cmd === 'NODE_HANDLE_NACK') receipt(cmd === 'NODE_HANDLE_ACK');
    } catch (error) {
      end(error);
    }
  });
  handle.onread = function onread(bytes) {
    // Its end is to be read in any case: without that it would never be over.
    if (bytes === undefined) return read.call(this, bytes);
    if (over) return undefined;
    since += bytes.byteLength;
    if (since > longest) return end();
    try {
      return read.call(this, bytes);
    } catch (error) {
      return end(error);
    }
  };
  return () => {
    since = 0;
  };
}

/** Null: this Node has it elsewhere, or the process could not be started. */
function handleOf(child: ChildProcess): ChannelHandle | null {
  const symbol = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  const handle: unknown = symbol === undefined ? null : Reflect.get(child, symbol);
  return isHandle(handle) ? handle : null;
}

function commandOf(word: unknown): unknown {
  return typeof word === 'object' && word !== null && 'cmd' in word ? word.cmd : null;
}

function isHandle(value: unknown): value is ChannelHandle {
  return typeof value === 'object' && value !== null && 'onread' in value && typeof value.onread === 'function';
}
