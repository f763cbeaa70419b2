import type { Duplex } from 'node:stream';

/** The stream that carries a whole route: a TCP connection, or the pipes of a ProxyCommand. */
export interface Carrier extends Duplex {
  /** As node:net counts it: with what still waits to be sent. */
  readonly bytesWritten: number;
}

/** What may wait in a stream that carries a link before nobody may write more, bytes. */
const most = 256 * 1024;

/**
 * The streams that carry a link: the first one, and for each further hop the channel that it goes through. ssh2 ignores
 * their backpressure, so that whoever writes to a link asks here first.
 */
export class Carriers {
  readonly #streams: readonly Duplex[];
  #waiting: (() => void)[] = [];

  constructor(streams: readonly Duplex[]) {
    this.#streams = streams;
  }

  /** Bytes that wait to be sent, in the fullest of the streams. */
  get backlog(): number {
    return Math.max(...this.#streams.map((stream) => stream.writableLength));
  }

  /** True when so much waits to be sent that nobody may write more. */
  get congested(): boolean {
    return this.#full() !== undefined;
  }

  /** True when a little more may be written although it is congested. */
  get bearable(): boolean {
    return this.backlog <= 2 * most;
  }

  /** Calls back when bytes can be taken again; never, once the link is lost. */
  onceClear(listener: () => void): void {
    this.#waiting.push(listener);
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait(): void {
    const full = this.#full();
    if (full !== undefined) return void full.once('drain', () => this.#wait());
    for (const listener of this.#waiting.splice(0)) listener();
  }

  /** A stream that will not drain is not waited for: only one that owes a 'drain' counts. */
  #full(): Duplex | undefined {
    return this.#streams.find((stream) => stream.writableNeedDrain && stream.writableLength > most);
  }
}
