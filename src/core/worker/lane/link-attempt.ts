import { Fault } from '../../model/fault.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { Backed } from '../backing/backing.ts';
import type { Dialer } from './dialer.ts';
import type { Lease } from './links.ts';

/** How an attempt goes. Nothing is said of one that was given up. */
export interface AttemptNews {
  /** The link is up; who does not want it gives the attempt up. */
  made(lease: Lease): void;
  /** It could not be made, and nothing is left of it. */
  failed(error: unknown): void;
  /** What it leads to was brought over it. */
  brought(lease: Lease, backed: Backed): void;
  /** That failed; the link is as it was. */
  missed(lease: Lease, error: unknown): void;
}

/** Brings what a link leads to; `again`: that was tried over this link before. */
export type Bring = (link: Link, again: boolean, signal: AbortSignal) => Promise<Backed>;

/** One link of a lane, from the try to make it on, and what is brought over it. */
export class LinkAttempt {
  readonly #bring: Bring;
  readonly #news: AttemptNews;
  readonly #stop = new AbortController();
  #lease: Lease | null = null;
  #bringing: AbortController | null = null;
  #tried = false;
  /** What was brought over it last, whether or not it is still there; null: nothing was. */
  backed: Backed | null = null;

  /** `forced`: refused credentials may be tried again. */
  constructor(dialer: Dialer, forced: boolean, bring: Bring, news: AttemptNews) {
    this.#bring = bring;
    this.#news = news;
    const { signal } = this.#stop;
    dialer.dial(forced, signal).then(
      (lease) => this.#made(lease),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Null while there is none. */
  get lease(): Lease | null {
    return this.#lease;
  }

  /** Brings what the link leads to; that goes on where it is being done. */
  bring(): void {
    const lease = this.#lease;
    if (lease === null || this.#bringing !== null) return;
    const again = this.#tried;
    this.#tried = true;
    const stop = new AbortController();
    this.#bringing = stop;
    // Who gave it up hears no more of it.
    const tell = (news: () => void) => {
      if (stop.signal.aborted) return;
      this.#bringing = null;
      news();
    };
    this.#bring(lease.link, again, stop.signal).then(
      (backed) => tell(() => this.#news.brought(lease, backed)),
      (error: unknown) => tell(() => this.#news.missed(lease, error)),
    );
  }

  /** It is not brought over this link any more. */
  leave(): void {
    this.#bringing?.abort(givenUp());
    this.#bringing = null;
  }

  /** Nothing is left of it. */
  giveUp(): void {
    this.leave();
    this.#stop.abort(givenUp());
    this.#lease?.release();
  }

  #made(lease: Lease): void {
    if (this.#stop.signal.aborted) return lease.release();
    this.#lease = lease;
    const { fault } = lease.link;
    // A server may end a connection in the breath in which it lets somebody in.
    if (fault === null) this.#news.made(lease);
    else this.#failed(fault);
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.giveUp();
    this.#news.failed(error);
  }
}

function givenUp(): Fault {
  return new Fault('LINK_LOST', 'the attempt was given up; nothing to do');
}
