import type { ServerResponse } from 'node:http';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { backlogLimit, serveEvents } from './server-sent-events.ts';

/** Sends events after number `after`, of those that are kept the last 512 KiB, as Server-Sent Events until the reader leaves, or `signal` ends the stream. */
export function streamEvents(
  supervisor: Supervisor,
  after: number,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  // A number from before a restart of the daemon is larger than all of ours: then everything is news.
  const from = after > supervisor.status().id ? 0 : after;
  serveEvents(response, signal, (send) => {
    let early: string[] | null = [];
    const over = supervisor.subscribe(from, (event) => {
      const lines = `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}`;
      if (early === null) send(lines);
      else early.push(lines);
    });
    const kept = early;
    early = null;
    for (const lines of newest(kept)) send(lines);
    return over;
  });
}

/** So many of the last ones that nobody is dropped for what there was before he came. */
function newest(kept: readonly string[]): readonly string[] {
  let room = backlogLimit / 2;
  const tooMuch = kept.findLastIndex((lines) => {
    room -= Buffer.byteLength(lines);
    return room < 0;
  });
  return kept.slice(tooMuch + 1);
}
