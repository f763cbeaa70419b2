import { Fault } from '../model/fault.ts';
import type { Dialer } from './dialer.ts';
import type { Lease } from './links.ts';

/** How an attempt went. Neither is called once it was given up. */
export interface AttemptNews {
  /** The link is up; who does not take it over gives the attempt up. */
  made(lease: Lease): void;
  /** Nothing is left of it. */
  failed(error: unknown): void;
}

/** One try to make a link. */
export class LinkAttempt {
  readonly #stop = new AbortController();
  #lease: Lease | null = null;

  /** `forced`: refused credentials may be tried again. */
  constructor(dialer: Dialer, forced: boolean, news: AttemptNews) {
    const { signal } = this.#stop;
    const make = async () => {
      const lease = await dialer.dial(forced, signal);
      if (signal.aborted) return lease.release();
      this.#lease = lease;
      news.made(lease);
    };
    make().catch((error: unknown) => {
      if (signal.aborted) return;
      this.giveUp();
      news.failed(error);
    });
  }

  /** Null while there is none. */
  get lease(): Lease | null {
    return this.#lease;
  }

  /** Nothing is left of it. */
  giveUp(): void {
    this.#stop.abort(givenUp());
    this.#lease?.release();
  }
}

/** The reason of what is not wanted any more. */
export function givenUp(): Fault {
  return new Fault('LINK_LOST', 'the attempt was given up; nothing to do');
}
