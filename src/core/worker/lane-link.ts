import { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import type { Backed, Backing } from './backing.ts';
import type { Dialer } from './dialer.ts';
import type { Lease } from './links.ts';

/** What a lane hears of its link. */
export interface LinkNews {
  /** The link is up, and so is what it leads to. */
  linked(link: Link, backed: Backed): void;
  /** The attempt failed; nothing is left of it. */
  failed(error: unknown): void;
  /** It was up, and ended by itself. */
  lost(fault: Fault): void;
}

/** The one link of a lane: dialed, made ready with all that it leads to, given up. */
export class LaneLink {
  readonly #dialer: Dialer;
  readonly #backing: Backing;
  readonly #news: LinkNews;
  #lease: Lease | null = null;
  #attempt: AbortController | null = null;

  constructor(dialer: Dialer, backing: Backing, news: LinkNews) {
    this.#dialer = dialer;
    this.#backing = backing;
    this.#news = news;
  }

  /** Null while there is none; it may not be ready yet. */
  get link(): Link | null {
    return this.#lease?.link ?? null;
  }

  /**
   * Makes a link, and ready what it leads to. `forced`: refused credentials may be tried again; `asked`: the user asked for it, so that even
   * what was stopped on purpose may be started.
   */
  dial(forced: boolean, asked: boolean): void {
    this.#try(async (signal) => {
      const lease = await this.#dialer.dial(forced, signal);
      if (signal.aborted) return lease.release();
      this.#lease = lease;
      // While it is made ready nobody heeds this: what is being done over it fails by itself.
      lease.link.onLost((fault) => {
        if (this.#lease === lease && this.#attempt === null) this.#news.lost(fault);
      });
      await this.#ready(lease, asked, signal);
    });
  }

  /** The backend has gone, the link has not: it is brought back over the same link. */
  back(): void {
    const lease = this.#lease;
    if (lease !== null) this.#try((signal) => this.#ready(lease, false, signal));
  }

  /** Gives up what is being tried, and the link. */
  close(): void {
    this.#attempt?.abort(new Fault('LINK_LOST', 'the attempt was given up; nothing to do'));
    this.#attempt = null;
    const lease = this.#lease;
    this.#lease = null;
    lease?.release();
  }

  #try(run: (signal: AbortSignal) => Promise<void>): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    run(attempt.signal).catch((error: unknown) => {
      if (attempt.signal.aborted) return;
      this.close();
      this.#news.failed(error);
    });
  }

  async #ready(lease: Lease, asked: boolean, signal: AbortSignal): Promise<void> {
    const backed = await this.#backing.prepare(lease.link, asked, signal);
    if (signal.aborted) return;
    this.#attempt = null;
    this.#news.linked(lease.link, backed);
    // Lost in the same breath.
    if (this.#lease === lease && lease.link.fault !== null) this.#news.lost(lease.link.fault);
  }
}
