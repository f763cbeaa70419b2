import type { ServerResponse } from 'node:http';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { Supervisor } from '../core/supervisor/supervisor.ts';
import { backlogLimit, serveEvents } from './server-sent-events.ts';

/**
 * Where a reader goes on: a number, or the id of the last event that he got, which is the daemon's own name before the number. Throws USAGE
 * for what is neither. `what` names it.
 */
export function readPlace(text: string, what: string, daemon: string): number {
  const [, of = daemon, number] = /^(?:([0-9a-f]{12})-)?(\d{1,15})$/.exec(text) ?? [];
  if (number === undefined) {
    throw new Fault('USAGE', `${what}=${printable(text)} is no number; expected 0 or more, or the id of an event`);
  }
  // What another daemon told says nothing of ours.
  return of === daemon ? Number(number) : 0;
}

/**
 * Sends events after number `after`, of those that are kept the last 512 KiB, as Server-Sent Events until the reader leaves, or `signal`
 * ends the stream. `daemon` stands in their ids.
 */
export function streamEvents(
  supervisor: Supervisor,
  daemon: string,
  after: number,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  // A bare number may be from before a restart of the daemon. Where it is larger than all of ours it is: then everything is news.
  const from = after > supervisor.status().id ? 0 : after;
  serveEvents(response, signal, (send) => {
    let early: string[] | null = [];
    const over = supervisor.subscribe(from, (event) => {
      const lines = `id: ${daemon}-${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}`;
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
