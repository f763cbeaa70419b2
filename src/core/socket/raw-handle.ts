/**
 * The one place that touches private fields of node:net. A net.Socket that is sent to another process arrives reading and
 * without allowHalfOpen; the raw handle beneath it does not. A guard test runs on Node 20, 22 and 24.
 */
import type { SendHandle } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { adaptiveRead } from './adaptive-read.ts';

/** The handle beneath an accepted socket; null when the socket is closed already. */
export function rawHandle(socket: Socket): SendHandle | null {
  const handle = '_handle' in socket ? socket._handle : null;
  return isHandle(handle) ? handle : null;
}

/**
 * Wraps a handle that arrived from another process: half-open, and paused until somebody reads. `plain`: it is read as any stream is, by
 * strangers perhaps, and lives until it is destroyed; else as `adaptiveRead` says, for a third less CPU.
 */
export function socketFrom(handle: unknown, plain = false): Socket {
  if (!isHandle(handle)) throw new TypeError('not a socket handle');
  const onread = adaptiveRead(() => socket, 16 * 1024, 256 * 1024);
  // `handle`, `pauseOnCreate` and `onread` are what net itself passes; the types leave them out.
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, ...(plain ? {} : { onread }) };
  const socket = new Socket(options);
  // Else `for await` destroys what it has read to the end, with the half that is still written to. net itself takes no such option.
  if (plain && '_readableState' in socket) Reflect.set(Object(socket._readableState), 'autoDestroy', false);
  return socket;
}

/**
 * Has a stream be as one that nobody reads yet: the first listener for 'data' begins it, and what comes before is kept. A paused one would wait
 * for a `resume()` that few call. Streams have a setter for this, which net itself uses; the types leave it out.
 */
export function unread<S extends Readable>(stream: S): S {
  Reflect.set(stream, 'readableFlowing', null);
  return stream;
}

function isHandle(value: unknown): value is SendHandle {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function';
}

/**
 * Ends a connection so that its client cannot take what it got for the whole: RST on TCP. A Unix socket has no reset: its
 * client sees the end of the stream.
 */
export function abort(socket: Socket): void {
  if (socket.destroyed) return;
  // A reset while a shutdown is under way fails inside libuv, and Node then never closes the handle (seen on 20 and 24).
  if (socket.remoteFamily === undefined || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
