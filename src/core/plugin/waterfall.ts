import type { Duplex } from 'node:stream';
import type { ClientConnection } from '../model/plugin.ts';
import { unread } from '../socket/raw-handle.ts';
import { readStream } from './answers.ts';
import type { Seat } from './seat.ts';

/** What `wrap` of each plugin makes of a client's stream, one after the other. Rejects with a fault; all that was made is destroyed then. */
export async function wrapped(seats: readonly Seat[], stream: Duplex, connection: ClientConnection): Promise<Duplex> {
  let outer = stream;
  try {
    for (const seat of seats) {
      const wrap = seat.hooks.wrap?.bind(seat.hooks);
      if (wrap === undefined) continue;
      const inner = outer;
      outer = await seat.call('wrap', async () => {
        const made = readStream(await wrap(inner, connection));
        // Before anybody waits: it may break at any moment.
        made.on('error', () => undefined);
        // One that only listens, such as to count: nothing may pass before the last one has answered.
        return made.readableFlowing === true ? unread(made) : made;
      });
    }
    return outer;
  } catch (error) {
    if (outer !== stream) outer.destroy();
    throw error;
  }
}
