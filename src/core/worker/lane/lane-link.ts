import type { Fault } from '../../model/fault.ts';
import type { LaneEffect } from '../../model/lane-step.ts';
import type { DoubtListener, Link } from '../../ssh/link/link.ts';
import type { Backed, Backing } from '../backing/backing.ts';
import type { Dialer } from './dialer.ts';
import { type Bring, LinkAttempt } from './link-attempt.ts';
import type { Lease } from './links.ts';

/** What a lane hears of its link. */
export interface LinkNews {
  /** The link is up; `backed`: what it leads to needs not be brought. */
  linked(link: Link, backed: Backed | null): void;
  /** What the link leads to was brought. */
  backed(backed: Backed): void;
  /** What was being tried failed. Nothing is left of an attempt to dial; a link that was up is as it was. */
  failed(error: unknown): void;
  /** It was up, and ended by itself. */
  lost(fault: Fault): void;
  /** The second link is up: `retire` takes it, `back-beside` first brings over it what it is to lead to. */
  besideLinked(link: Link, backed: Backed | null): void;
  /** What the second link leads to was brought. */
  besideBacked(link: Link, backed: Backed): void;
  /** That failed. */
  besideUnready(link: Link, error: unknown): void;
  /** The second link could not be made. Nothing is left of it. */
  besideFailed(error: unknown): void;
  /** Whether the life of the link that is up is in doubt. */
  readonly doubt: DoubtListener;
}

type LinkEffect =
  | 'dial'
  | 'back'
  | 'dial-beside'
  | 'back-beside'
  | 'cancel-beside'
  | 'retire'
  | 'promote'
  | 'cancel-back';

/** Whom the doubts of a replaced link concern: it goes on until its pulse says that it is dead. */
const nobody: DoubtListener = { doubted: () => undefined, trusted: () => undefined };

/** The link of a lane: dialed, what it leads to brought over it, replaced by another one, given up. */
export class LaneLink {
  readonly #dialer: Dialer;
  readonly #backing: Backing;
  readonly #news: LinkNews;
  /** The lane's own: it is being made, or is up. */
  #own: LinkAttempt | null = null;
  /** The own one, once it is up. */
  #lease: Lease | null = null;
  #heedless: () => void = () => undefined;
  #beside: LinkAttempt | null = null;
  /** Replaced ones, over which somebody is joined still. */
  readonly #retired = new Set<Lease>();
  /** The user asked for what is tried next: even a backend that was stopped on purpose may be started. Forgotten once that was tried. */
  asked = false;

  constructor(dialer: Dialer, backing: Backing, news: LinkNews) {
    this.#dialer = dialer;
    this.#backing = backing;
    this.#news = news;
  }

  /** Null while none is up. */
  get link(): Link | null {
    return this.#lease?.link ?? null;
  }

  /** What was brought over it last, whether or not it is still there; null: nothing yet. */
  get backed(): Backed | null {
    return this.#lease === null ? null : (this.#own?.backed ?? null);
  }

  /** Somebody is joined over a link that was replaced. */
  get retired(): boolean {
    return this.#retired.size > 0;
  }

  /** Does what `step` decided of it. */
  perform(effect: Extract<LaneEffect, { do: LinkEffect }>): void {
    switch (effect.do) {
      case 'dial':
        this.#own = this.#begin(effect.forced);
        break;
      case 'back':
        this.#own?.bring();
        break;
      case 'cancel-back':
        this.#own?.leave();
        break;
      case 'dial-beside':
        this.#beside = this.#begin(effect.forced);
        break;
      case 'back-beside':
        this.#beside?.bring();
        break;
      case 'cancel-beside':
        this.#beside?.giveUp();
        this.#beside = null;
        break;
      case 'retire':
        this.#retire();
        break;
      case 'promote':
        this.#promote();
        break;
    }
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
    const own = this.#own;
    this.#own = null;
    this.#lease = null;
    this.#heedless();
    own?.giveUp();
  }

  /** Gives everything up. */
  end(): void {
    this.close();
    this.perform({ do: 'cancel-beside' });
    this.settle(() => false);
  }

  /** The second link takes the place of the first; that one lives until `settle` finds that nobody uses it. */
  #retire(): void {
    const next = this.#beside;
    const before = this.#lease;
    if (next === null || next.lease === null) return;
    this.#beside = null;
    this.#own?.leave();
    this.#heedless();
    if (before !== null) {
      before.link.onDoubt(nobody);
      this.#retired.add(before);
    }
    this.#own = next;
    this.#take(next.lease);
  }

  /** The second link is the lane's own attempt now; where it is up already, that is told once `step` is done. */
  #promote(): void {
    const attempt = this.#beside;
    this.#own = attempt;
    this.#beside = null;
    const lease = attempt?.lease ?? null;
    if (attempt !== null && lease !== null) queueMicrotask(() => this.#arrive(attempt, lease));
  }

  #begin(forced: boolean): LinkAttempt {
    const bring: Bring = (link, again, signal) => this.#bring(link, again, signal);
    const attempt: LinkAttempt = new LinkAttempt(this.#dialer, forced, bring, {
      made: (lease) => {
        attempt.backed = this.#backing.atOnce();
        if (this.#beside === attempt) this.#news.besideLinked(lease.link, attempt.backed);
        else this.#arrive(attempt, lease);
      },
      failed: (error) => {
        if (this.#beside === attempt) {
          this.#beside = null;
          return this.#news.besideFailed(error);
        }
        this.#own = null;
        this.#news.failed(error);
      },
      brought: (lease, backed) => {
        if (this.#beside !== attempt) this.#arrive(attempt, lease);
        attempt.backed = backed;
        if (this.#beside === attempt) this.#news.besideBacked(lease.link, backed);
        else if (this.#own === attempt) this.#news.backed(backed);
      },
      missed: (lease, error) => {
        if (this.#beside === attempt && lease.link.fault !== null) {
          this.perform({ do: 'cancel-beside' });
          return this.#news.besideFailed(error);
        }
        if (this.#beside === attempt) return this.#news.besideUnready(lease.link, error);
        this.#arrive(attempt, lease);
        if (this.#own === attempt) this.#news.failed(error);
      },
    });
    return attempt;
  }

  /** The lane's own attempt is up; told once. */
  #arrive(attempt: LinkAttempt, lease: Lease): void {
    if (this.#own === attempt && this.#lease !== lease)
      this.#take(lease, () => this.#news.linked(lease.link, attempt.backed));
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
    this.#own?.leave();
    this.#news.lost(fault);
  }

  async #bring(link: Link, again: boolean, signal: AbortSignal): Promise<Backed> {
    // What the first try over a link goes by was read before that was dialed.
    if (again) await this.#dialer.restamp();
    signal.throwIfAborted();
    const { asked } = this;
    this.asked = false;
    try {
      const backed = await this.#backing.prepare(link, asked, signal);
      // A wish that came meanwhile is fulfilled.
      if (!signal.aborted) this.asked = false;
      return backed;
    } catch (error) {
      // Perhaps nobody heard of it.
      if (signal.aborted || link.fault !== null) this.asked ||= asked;
      throw error;
    }
  }
}
