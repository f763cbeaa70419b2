import { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import type { Backed } from './backing.ts';
import type { Dialer } from './dialer.ts';
import type { Lease } from './links.ts';

/** How an attempt went. Neither is called once it was given up. */
export interface AttemptNews {
  /** The link is up, and so is what it leads to; who takes it over has it from now on. */
  made(lease: Lease, backed: Backed): void;
  /** The link is up, but the backend did not come over it. Who does not take it over gives the attempt up. */
  unready(lease: Lease, error: unknown): void;
  /** Nothing is left of it. */
  failed(error: unknown): void;
}

/** One try to make a link, and ready what it leads to. */
export class LinkAttempt {
  readonly #stop = new AbortController();
  #lease: Lease | null = null;

  /** `forced`: refused credentials may be tried again. */
  constructor(
    dialer: Dialer,
    forced: boolean,
    ready: (link: Link, signal: AbortSignal) => Promise<Backed>,
    news: AttemptNews,
  ) {
    const { signal } = this.#stop;
    const make = async () => {
      const lease = await dialer.dial(forced, signal);
      if (signal.aborted) return lease.release();
      this.#lease = lease;
      // While it is made ready nobody heeds its end: what is being done over it fails by itself.
      let backed: Backed;
      try {
        backed = await ready(lease.link, signal);
      } catch (error) {
        // What a plugin that is broken guards is not to be reached without it.
        if (lease.link.fault !== null || dialer.broken) throw error;
        if (!signal.aborted) news.unready(lease, error);
        return;
      }
      if (!signal.aborted) news.made(lease, backed);
    };
    make().catch((error: unknown) => {
      if (signal.aborted) return;
      this.giveUp();
      news.failed(error);
    });
  }

  /** Null while there is none; it may not be ready yet. */
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
