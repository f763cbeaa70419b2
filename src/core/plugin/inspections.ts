import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import type { RemoteHost } from '../model/remote.ts';
import { Wrong } from './answers.ts';
import type { Seat } from './seat.ts';

/** More than this of one plugin is no news any more. */
const most = 8;

/** Lets each plugin look at the host, all at once, and tells what it has to say. `signal`: nobody wants to hear it any more. Never rejects. */
export async function inspected(
  seats: readonly Seat[],
  link: RemoteHost,
  noted: (plugin: string, notes: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    seats.map(async (seat) => {
      const inspect = seat.hooks.inspect?.bind(seat.hooks);
      if (inspect === undefined || seat.dropped) return;
      const over = new AbortController();
      const until = AbortSignal.any([signal, over.signal]);
      try {
        noted(seat.name, await seat.call('inspect', async () => readNotes(await inspect(link, until))));
      } catch (error) {
        const fault = Fault.from(error);
        // What the host has to do with is told beside the relay; a failure of the plugin has been told where it failed.
        if (fault.code !== 'PLUGIN_FAILED') noted(seat.name, [fault.message]);
      } finally {
        over.abort(new Error('nobody waits for this look any more'));
      }
    }),
  );
}

function readNotes(answer: unknown): readonly string[] {
  if (answer === undefined) return [];
  if (!Array.isArray(answer)) throw new Wrong('something that is no list of sentences');
  return answer.slice(0, most).map((note) => printable(String(note)));
}
