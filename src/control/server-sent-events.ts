import type { ServerResponse } from 'node:http';
import { Fault } from '../core/model/fault.ts';

/** A reader that lags by more than this is dropped: the daemon's memory is not its buffer. It may come back with its last id. */
export const backlogLimit = 1024 * 1024;

/**
 * Answers with Server-Sent Events (WHATWG HTML section 9.2) until the reader leaves, or `signal` ends the stream. `begin` gets the
 * function that sends one, given as its lines, and returns what is to be done when the stream is over. Throws USAGE where another
 * request of the same connection is still to be answered.
 */
export function serveEvents(
  response: ServerResponse,
  signal: AbortSignal,
  begin: (send: (lines: string) => void) => () => void,
): void {
  // Node tells a response that is queued behind another neither that its reader left nor that it was destroyed.
  if (response.socket === null) {
    throw new Fault(
      'USAGE',
      'events behind a request that is not answered yet; make a connection of their own for them',
    );
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  // What is still said to one that was dropped, or has left, fails there; 'close' comes a moment later.
  response.on('error', () => undefined);
  response.write(': towline\n\n');
  const over = begin((lines) => {
    response.write(`${lines}\n\n`);
    if (response.writableLength > backlogLimit) response.destroy();
  });
  const finish = () => response.end();
  signal.addEventListener('abort', finish, { once: true });
  response.once('close', () => {
    over();
    signal.removeEventListener('abort', finish);
  });
  if (signal.aborted) finish();
}
