import type { ServerResponse } from 'node:http';
import type { Supervisor } from '../core/supervisor/supervisor.ts';

/** A reader that lags by more than this is dropped: the daemon's memory is not its buffer. It may come back with its last id. */
export const backlogLimit = 1024 * 1024;

/** Sends events after number `after` as Server-Sent Events until the reader leaves, or `signal` ends the stream. */
export function streamEvents(
  supervisor: Supervisor,
  after: number,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.write(': towline\n\n');
  // A number from before a restart of the daemon is larger than all of ours: then everything is news.
  const from = after > supervisor.status().id ? 0 : after;
  const unsubscribe = supervisor.subscribe(from, (event) => {
    response.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    if (response.writableLength > backlogLimit) response.destroy();
  });
  const finish = () => response.end();
  signal.addEventListener('abort', finish, { once: true });
  response.once('close', () => {
    unsubscribe();
    signal.removeEventListener('abort', finish);
  });
  if (signal.aborted) finish();
}
