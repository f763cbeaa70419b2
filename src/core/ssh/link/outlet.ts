import { gatherWrites } from '../../socket/gather.ts';
import type { Carrier, Carriers } from './carriers.ts';
import type { Channel } from './channels.ts';
import type { Pace } from './pace.ts';
import { Passage } from './passage.ts';
import { Rota, Sender } from './rota.ts';

/**
 * Through which channels write to their link: no more than the streams that carry it take, which ssh2 does not ask, and no more than is good
 * for those who come after.
 */
export class Outlet {
  readonly #carriers: Carriers;
  readonly #pace: Pace;
  readonly #rota = new Rota(this);
  readonly #gather: () => void;

  constructor(socket: Carrier, carriers: Carriers, pace: Pace) {
    this.#carriers = carriers;
    this.#pace = pace;
    // What is written in one round leaves in one system call.
    this.#gather = gatherWrites(socket);
  }

  /** The way into a channel for one who may have much to say. */
  sender(channel: Channel): Sender {
    return new Sender(channel, this.#rota);
  }

  /** A channel that nobody has read yet, for one who wants a stream. */
  passage(channel: Channel): Passage {
    return new Passage(channel, this.sender(channel));
  }

  /** How many bytes may be written now; 0 or less: none. */
  get room(): number {
    return this.#carriers.congested ? 0 : this.#pace.room;
  }

  /** Whether a few more may be written although there is no room. */
  get bearable(): boolean {
    return this.#carriers.bearable;
  }

  /** Calls back when there may be room again; never, once the link is lost. */
  onceRoom(listener: () => void): void {
    if (this.#carriers.congested) this.#carriers.onceClear(listener);
    else this.#pace.onceAnswered(listener);
  }

  /** So many bytes are about to be written. */
  gave(bytes: number): void {
    this.#gather();
    this.#pace.gave(bytes);
  }
}
