import type { ServerResponse } from 'node:http';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { serveEvents } from './server-sent-events.ts';

/** Sends events after number `after` as Server-Sent Events until the reader leaves, or `signal` ends the stream. */
export function streamEvents(
  supervisor: Supervisor,
  after: number,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  // A number from before a restart of the daemon is larger than all of ours: then everything is news.
  const from = after > supervisor.status().id ? 0 : after;
  serveEvents(response, signal, (send) =>
    supervisor.subscribe(from, (event) =>
      send(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}`),
    ),
  );
}
