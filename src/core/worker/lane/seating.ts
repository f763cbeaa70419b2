import type { Guests } from '../../plugin/guests.ts';
import { loadGuest } from '../../plugin/load.ts';
import type { ToSupervisor, ToWorker } from '../../protocol.ts';

/** Seats the `relay` halves of a lane's plugins, once, and tells the supervisor which have a `daemon` half. */
export class Seating {
  readonly #open: Extract<ToWorker, { say: 'open' }>;
  readonly #guests: Guests;
  readonly #say: (message: ToSupervisor) => Promise<void>;
  #done: Promise<void> | null = null;

  constructor(open: Extract<ToWorker, { say: 'open' }>, guests: Guests, say: (message: ToSupervisor) => Promise<void>) {
    this.#open = open;
    this.#guests = guests;
    this.#say = say;
  }

  /** Loads and seats them; a load that failed is tried again with the next call. Rejects with its Fault. */
  seat(): Promise<void> {
    // The file may be mended, or the user wants another try: the plugins begin anew.
    if (this.#guests.broken !== null) {
      this.#guests.unseat();
      this.#done = null;
    }
    this.#done ??= this.#load();
    this.#done.catch(() => {
      this.#done = null;
    });
    return this.#done;
  }

  async #load(): Promise<void> {
    const { relay, builtins, lane, env } = this.#open;
    const guests = await Promise.all(relay.plugins.map((use) => loadGuest(use, builtins)));
    await this.#guests.seat(guests, 'relay', relay.name, env);
    // A file that could not even be loaded here never reaches the supervisor.
    const plugins = guests.flatMap(({ plugin }, index) => (plugin.daemon === undefined ? [] : [index]));
    if (plugins.length > 0) void this.#say({ say: 'seated', lane, plugins });
  }
}
