import type { Client } from 'ssh2';
import type { Fault } from '../../model/fault.ts';
import { ping } from '../internals.ts';
import type { Carrier } from './carriers.ts';

/** With more than this on the way and no answer yet, a silent server may just be far behind: kernels and proxies buffer megabytes. */
const idleBytes = 64 * 1024;

/** So many pings may be without an answer: each is remembered, and there are servers that never answer one. */
const mostAsked = 256;

/** Pings a server, and learns from its answers how much has arrived: they come in order, behind all that was sent before the question. */
export class Echo {
  readonly #client: Client;
  readonly #socket: Carrier;
  readonly #asked: () => () => void;
  #confirmed = 0;
  #stopped = false;
  #unanswered = 0;
  /** Whose ping leaves, one for all, when one of the many has come back. */
  readonly #next = new Set<() => void>();
  /** How long the last answer took, ms; 0: none has come. */
  took = 0;

  /** `asked` is called with each ping, and what it returns with the answer. */
  constructor(client: Client, socket: Carrier, asked: () => () => void) {
    this.#client = client;
    this.#socket = socket;
    this.#asked = asked;
  }

  /** Whether next to nothing of ours is on the way. */
  get idle(): boolean {
    return this.#socket.bytesWritten - this.#confirmed < idleBytes;
  }

  /**
   * Where nothing can be written any more nothing is asked, and nobody answers. Where very many are without an answer it leaves after the next one,
   * with those of all others. Returns what gives up waiting for the answer.
   */
  ping(answered?: () => void): () => void {
    const mine = answered === undefined ? [] : [answered];
    if (this.#unanswered < mostAsked) this.#ask(mine);
    else for (const one of mine) this.#next.add(one);
    return () => {
      for (const one of mine) this.#next.delete(one);
    };
  }

  /** How long a ping takes, ms. Rejects with what ended the link, of which `onLost` tells. */
  roundTrip(onLost: (listener: (fault: Fault) => void) => () => void): Promise<number> {
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const forget = onLost(reject);
      this.ping(() => {
        forget();
        resolve(performance.now() - began);
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#next.clear();
  }

  #ask(all: readonly (() => void)[]): void {
    if (this.#stopped || !this.#socket.writable) return;
    this.#unanswered += 1;
    const sent = this.#socket.bytesWritten;
    const asked = performance.now();
    const heard = this.#asked();
    ping(this.#client, () => {
      this.#confirmed = sent;
      this.took = performance.now() - asked;
      heard();
      this.#unanswered -= 1;
      for (const answered of all) answered();
      const next = [...this.#next];
      this.#next.clear();
      if (next.length > 0) this.#ask(next);
    });
  }
}
