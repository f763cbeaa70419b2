import type { Client } from 'ssh2';
import type { Fault } from '../../model/fault.ts';
import { ping } from '../internals.ts';
import type { Carrier } from './carriers.ts';

/** With more than this on the way and no answer yet, a silent server may just be far behind: kernels and proxies buffer megabytes. */
const idleBytes = 64 * 1024;

/** Pings a server, and learns from its answers how much has arrived: they come in order, behind all that was sent before the question. */
export class Echo {
  readonly #client: Client;
  readonly #socket: Carrier;
  readonly #asked: () => () => void;
  #confirmed = 0;
  #stopped = false;
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

  /** Where nothing can be written any more nothing is asked, and nobody answers. */
  ping(answered?: () => void): void {
    if (this.#stopped || !this.#socket.writable) return;
    const sent = this.#socket.bytesWritten;
    const asked = performance.now();
    const heard = this.#asked();
    ping(this.#client, () => {
      this.#confirmed = sent;
      this.took = performance.now() - asked;
      heard();
      answered?.();
    });
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
  }
}
