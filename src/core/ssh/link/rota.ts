import type { Writable } from 'node:stream';
import type { Outlet } from './outlet.ts';

/** Bytes that one sender may hand over at a time while others wait. */
const turn = 32 * 1024;
/** Who sends no more than `mostAtOnce` at once and `mostInSpan` in a second of a full link goes first: people type, and programs ask. */
const mostAtOnce = 4 * 1024;
const mostInSpan = 16 * 1024;
const span = 1_000;

/** What a rota needs of an outlet. */
type Gauge = Pick<Outlet, 'room' | 'bearable' | 'onceRoom' | 'gave'>;

/** One connection's way into the link. */
export class Sender {
  /** Called when all that was given to it has been handed over. */
  onEmpty: () => void = () => undefined;
  readonly #channel: Writable;
  readonly #rota: Rota;
  readonly #chunks: { bytes: Buffer; readonly flushed: () => void }[] = [];
  #ending = false;
  #since = Number.NEGATIVE_INFINITY;
  #spent = 0;

  constructor(channel: Writable, rota: Rota) {
    this.#channel = channel;
    this.#rota = rota;
  }

  /** Whether anything waits for its turn: whoever feeds it stops until `onEmpty`. */
  get waiting(): boolean {
    return this.#chunks.length > 0;
  }

  /** `flushed` is called when the channel's own window has taken it all. */
  send(bytes: Buffer, flushed: () => void): void {
    if (this.#chunks.length === 0 && this.#rota.pass(bytes.length, this)) {
      this.#channel.write(bytes, flushed);
      return;
    }
    this.#chunks.push({ bytes, flushed });
    if (this.#chunks.length === 1) this.#rota.join(this);
  }

  /** Ends the channel behind all that waits. */
  end(): void {
    this.#ending = true;
    if (!this.waiting) this.#channel.end();
  }

  /** What waits is dropped. */
  stop(): void {
    this.#chunks.length = 0;
    this.#ending = false;
    this.onEmpty = () => undefined;
  }

  /** Whether it is one of those that send little. */
  modest(bytes: number): boolean {
    if (bytes > mostAtOnce) return false;
    const now = performance.now();
    if (now - this.#since > span) {
      this.#since = now;
      this.#spent = 0;
    }
    this.#spent += bytes;
    return this.#spent <= mostInSpan;
  }

  /** How many bytes it hands over when it may hand over so many. */
  next(most: number): number {
    return Math.min(most, this.#chunks[0]?.bytes.length ?? 0);
  }

  /** Hands over so many bytes of those that wait. */
  take(count: number): void {
    const first = this.#chunks[0];
    if (first === undefined) return;
    if (count < first.bytes.length) {
      this.#channel.write(first.bytes.subarray(0, count));
      first.bytes = first.bytes.subarray(count);
      return;
    }
    this.#chunks.shift();
    this.#channel.write(first.bytes, first.flushed);
    if (this.waiting) return;
    if (this.#ending) this.#channel.end();
    else this.onEmpty();
  }
}

/** Lets the senders of a link write in turn while there is no room for all. */
export class Rota {
  readonly #outlet: Gauge;
  readonly #queue = new Set<Sender>();
  #serving = false;

  constructor(outlet: Gauge) {
    this.#outlet = outlet;
  }

  /** Whether so many bytes may be written at once, ahead of who waits. */
  pass(bytes: number, sender: Sender): boolean {
    const free = this.#queue.size === 0 && this.#outlet.room >= bytes;
    if (!free && !(this.#outlet.bearable && sender.modest(bytes))) return false;
    this.#outlet.gave(bytes);
    return true;
  }

  /** It has something that waits. */
  join(sender: Sender): void {
    this.#queue.add(sender);
    if (!this.#serving) this.#serve();
  }

  #serve(): void {
    this.#serving = true;
    for (const sender of this.#queue) {
      const { room } = this.#outlet;
      if (room <= 0) {
        return this.#outlet.onceRoom(() => this.#serve());
      }
      this.#queue.delete(sender);
      // One that was stopped has nothing.
      if (!sender.waiting) continue;
      const count = sender.next(this.#queue.size === 0 ? Math.max(turn, room) : turn);
      this.#outlet.gave(count);
      sender.take(count);
      // At the end of the queue now: a set is walked in the order in which it was filled.
      if (sender.waiting) this.#queue.add(sender);
    }
    this.#serving = false;
  }
}
