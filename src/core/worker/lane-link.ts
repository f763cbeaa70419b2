import { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import type { Backed, Backing } from './backing.ts';
import type { Dialer } from './dialer.ts';
import type { Lease } from './links.ts';

/** What a lane hears of its link. */
export interface LinkNews {
  /** The link is up, and so is what it leads to. */
  linked(link: Link, backed: Backed): void;
  /** What the link leads to was brought again. */
  backed(link: Link, backed: Backed): void;
  /** What was being tried failed. Nothing is left of an attempt to dial; a link that was up is as it was. */
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
  #up = false;
  #attempt: AbortController | null = null;
  /** The user asked for what is tried next: even a backend that was stopped on purpose may be started. Forgotten once that was tried. */
  asked = false;

  constructor(dialer: Dialer, backing: Backing, news: LinkNews) {
    this.#dialer = dialer;
    this.#backing = backing;
    this.#news = news;
  }

  /** Null while there is none; it may not be ready yet. */
  get link(): Link | null {
    return this.#lease?.link ?? null;
  }

  /** Makes a link, and ready what it leads to. `forced`: refused credentials may be tried again. */
  dial(forced: boolean): void {
    this.#try(async (signal) => {
      const lease = await this.#dialer.dial(forced, signal);
      if (signal.aborted) return lease.release();
      this.#lease = lease;
      // While it is made ready nobody heeds this: what is being done over it fails by itself.
      lease.link.onLost((fault) => {
        if (this.#lease === lease && this.#up) this.#lost(fault);
      });
      const backed = await this.#ready(lease, signal);
      if (backed === null) return;
      this.#up = true;
      this.#news.linked(lease.link, backed);
      // Lost in the same breath.
      if (this.#lease === lease && lease.link.fault !== null) this.#lost(lease.link.fault);
    });
  }

  /** The backend has gone, the link has not: it is brought back over the same link. */
  back(): void {
    const lease = this.#lease;
    if (lease === null) return;
    this.#try(async (signal) => {
      await this.#dialer.restamp();
      const backed = signal.aborted ? null : await this.#ready(lease, signal);
      if (backed !== null) this.#news.backed(lease.link, backed);
    });
  }

  /** Gives up what is being tried. */
  cancel(): void {
    this.#attempt?.abort(new Fault('LINK_LOST', 'the attempt was given up; nothing to do'));
    this.#attempt = null;
  }

  /** Gives up what is being tried, and the link. */
  close(): void {
    this.cancel();
    const lease = this.#lease;
    this.#lease = null;
    this.#up = false;
    lease?.release();
  }

  #lost(fault: Fault): void {
    this.cancel();
    this.#news.lost(fault);
  }

  #try(run: (signal: AbortSignal) => Promise<void>): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    run(attempt.signal).catch((error: unknown) => {
      if (attempt.signal.aborted) return;
      this.#attempt = null;
      if (!this.#up) this.close();
      this.#news.failed(error);
    });
  }

  /** Null: it was given up meanwhile. */
  async #ready(lease: Lease, signal: AbortSignal): Promise<Backed | null> {
    const { asked } = this;
    this.asked = false;
    const backed = await this.#backing.prepare(lease.link, asked, signal);
    if (signal.aborted) return null;
    this.#attempt = null;
    // A wish that came meanwhile is fulfilled.
    this.asked = false;
    return backed;
  }
}
