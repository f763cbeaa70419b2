import type { Fault } from '../model/fault.ts';
import type { LaneEffect } from '../model/lane-step.ts';
import type { DoubtListener, Link } from '../ssh/link/link.ts';
import type { Backed, Backing } from './backing.ts';
import { Bringing } from './bringing.ts';
import type { Dialer } from './dialer.ts';
import { LinkAttempt } from './link-attempt.ts';
import type { Lease } from './links.ts';

/** What a lane hears of its link. */
export interface LinkNews {
  /** The link is up, and so is what it leads to. */
  linked(link: Link, backed: Backed): void;
  /** The link is up, but the backend did not come over it. */
  unready(link: Link, error: unknown): void;
  /** What the link leads to was brought again. */
  backed(link: Link, backed: Backed): void;
  /** What was being tried failed. Nothing is left of an attempt to dial; a link that was up is as it was. */
  failed(error: unknown): void;
  /** It was up, and ended by itself. */
  lost(fault: Fault): void;
  /** The second link is up, and so is what it leads to: `retire` takes it. */
  beside(link: Link, backed: Backed): void;
  /** The second link could not be made, or was `made` and the backend did not come over it. Nothing is left of it. */
  besideFailed(error: unknown, made: boolean): void;
  /** Whether the life of the link that is up is in doubt. */
  readonly doubt: DoubtListener;
}

type LinkEffect = 'dial' | 'dial-beside' | 'cancel-beside' | 'retire' | 'promote' | 'cancel-back';

/** Whom the doubts of a replaced link concern: it goes on until its pulse says that it is dead. */
const nobody: DoubtListener = { doubted: () => undefined, trusted: () => undefined };

/** The link of a lane: dialed, made ready with all that it leads to, replaced by another one, given up. */
export class LaneLink {
  readonly #dialer: Dialer;
  readonly #backing: Backing;
  readonly #news: LinkNews;
  /** The link that is up. */
  #lease: Lease | null = null;
  #heedless: () => void = () => undefined;
  #dialing: LinkAttempt | null = null;
  #beside: LinkAttempt | null = null;
  #bringing: Bringing | null = null;
  /** Replaced ones, over which somebody is joined still. */
  readonly #retired = new Set<Lease>();
  /** The user asked for what is tried next: even a backend that was stopped on purpose may be started. Forgotten once that was tried. */
  asked = false;

  constructor(dialer: Dialer, backing: Backing, news: LinkNews) {
    this.#dialer = dialer;
    this.#backing = backing;
    this.#news = news;
  }

  /** Null while there is none; it may not be ready yet. */
  get link(): Link | null {
    return (this.#lease ?? this.#dialing?.lease)?.link ?? null;
  }

  /** Somebody is joined over a link that was replaced. */
  get retired(): boolean {
    return this.#retired.size > 0;
  }

  /** Does what `step` decided of it. */
  perform(effect: Extract<LaneEffect, { do: LinkEffect }>): void {
    switch (effect.do) {
      case 'dial':
        this.#dialing = this.#begin(effect.forced, true);
        break;
      case 'dial-beside':
        this.#beside = this.#begin(effect.forced, false);
        break;
      case 'cancel-beside':
        this.#beside?.giveUp();
        this.#beside = null;
        break;
      case 'retire':
        this.#replace();
        break;
      case 'promote':
        this.#dialing = this.#beside;
        this.#beside = null;
        break;
      case 'cancel-back':
        this.#cancelBack();
        break;
    }
  }

  /** The backend has gone, the link has not: it is brought back over the same link. */
  back(): void {
    const lease = this.#lease;
    if (lease === null) return;
    this.#cancelBack();
    const bring = async (signal: AbortSignal) => {
      await this.#dialer.restamp();
      signal.throwIfAborted();
      return this.#ready(lease.link, signal, false);
    };
    this.#bringing = new Bringing(bring, {
      brought: (backed) => this.#news.backed(lease.link, backed),
      failed: (error) => this.#news.failed(error),
    });
  }

  /** Gives up the replaced links that nobody uses any more. */
  settle(uses: (link: Link) => boolean): void {
    for (const lease of this.#retired) {
      if (uses(lease.link)) continue;
      this.#retired.delete(lease);
      lease.release();
    }
  }

  /** Gives up the link, and what is being tried in its place or over it; a second one beside it goes on. */
  close(): void {
    this.#cancelBack();
    this.#dialing?.giveUp();
    this.#dialing = null;
    const lease = this.#lease;
    this.#lease = null;
    this.#heedless();
    lease?.release();
  }

  /** Gives everything up. */
  end(): void {
    this.close();
    this.perform({ do: 'cancel-beside' });
    this.settle(() => false);
  }

  /** The second link, which is ready, takes the place of the first; that one lives until `settle` finds that nobody uses it. */
  #replace(): void {
    const next = this.#beside?.lease ?? null;
    if (next === null) return;
    this.#beside = null;
    const before = this.#lease;
    this.#heedless();
    if (before !== null) {
      before.link.onDoubt(nobody);
      this.#retired.add(before);
    }
    this.#take(next);
  }

  /** The backend is not brought over this link any more. */
  #cancelBack(): void {
    this.#bringing?.giveUp();
    this.#bringing = null;
  }

  /** `once`: nobody has another link meanwhile, so that one is not waited for until every try to bring the backend has failed. */
  #begin(forced: boolean, once: boolean): LinkAttempt {
    const ready = (link: Link, signal: AbortSignal) => this.#ready(link, signal, once);
    const attempt: LinkAttempt = new LinkAttempt(this.#dialer, forced, ready, {
      made: (lease, backed) => {
        if (this.#beside === attempt) return this.#news.beside(lease.link, backed);
        this.#dialing = null;
        this.#take(lease, () => this.#news.linked(lease.link, backed));
      },
      unready: (lease, error) => {
        if (this.#beside === attempt) {
          this.perform({ do: 'cancel-beside' });
          return this.#news.besideFailed(error, true);
        }
        this.#dialing = null;
        this.#take(lease, () => this.#news.unready(lease.link, error));
      },
      failed: (error) => {
        if (this.#beside === attempt) {
          this.#beside = null;
          return this.#news.besideFailed(error, false);
        }
        this.#dialing = null;
        this.#news.failed(error);
      },
    });
    return attempt;
  }

  /** It is the lane's link from now on. What has happened to it in the same breath is told after `first`. */
  #take(lease: Lease, first: () => void = () => undefined): void {
    this.#lease = lease;
    first();
    if (this.#lease !== lease) return;
    const forget = lease.link.onLost((fault) => {
      if (this.#lease === lease) this.#lost(fault);
    });
    if (this.#lease !== lease) return;
    const ignore = lease.link.onDoubt(this.#news.doubt);
    this.#heedless = () => {
      forget();
      ignore();
      this.#heedless = () => undefined;
    };
  }

  #lost(fault: Fault): void {
    this.#cancelBack();
    this.#news.lost(fault);
  }

  async #ready(link: Link, signal: AbortSignal, once: boolean): Promise<Backed> {
    const { asked } = this;
    this.asked = false;
    const backed = await this.#backing.prepare(link, asked, signal, once);
    // A wish that came meanwhile is fulfilled.
    if (!signal.aborted) this.asked = false;
    return backed;
  }
}
