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
  /** The link is up. */
  linked(link: Link): void;
  /** What the link leads to was brought. */
  backed(link: Link, backed: Backed): void;
  /** What was being tried failed. Nothing is left of an attempt to dial; a link that was up is as it was. */
  failed(error: unknown): void;
  /** It was up, and ended by itself. */
  lost(fault: Fault): void;
  /** The second link is up: `retire` takes it, `back-beside` first brings over it what it is to lead to. */
  besideLinked(link: Link): void;
  /** What the second link leads to was brought. */
  besideBacked(link: Link, backed: Backed): void;
  /** That failed. */
  besideUnready(link: Link, error: unknown): void;
  /** The second link could not be made. Nothing is left of it. */
  besideFailed(error: unknown): void;
  /** Whether the life of the link that is up is in doubt. */
  readonly doubt: DoubtListener;
}

type LinkEffect = 'dial' | 'dial-beside' | 'back-beside' | 'cancel-beside' | 'retire' | 'promote' | 'cancel-back';

/** Whom the doubts of a replaced link concern: it goes on until its pulse says that it is dead. */
const nobody: DoubtListener = { doubted: () => undefined, trusted: () => undefined };

/** The link of a lane: dialed, what it leads to brought over it, replaced by another one, given up. */
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
  /** What is brought over the second link. */
  #bringingBeside: Bringing | null = null;
  /** Over which something was brought, or tried, already. */
  readonly #tried = new WeakSet<Link>();
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

  /** Somebody is joined over a link that was replaced. */
  get retired(): boolean {
    return this.#retired.size > 0;
  }

  /** Does what `step` decided of it. */
  perform(effect: Extract<LaneEffect, { do: LinkEffect }>): void {
    switch (effect.do) {
      case 'dial':
        this.#dialing = this.#begin(effect.forced);
        break;
      case 'dial-beside':
        this.#beside = this.#begin(effect.forced);
        break;
      case 'back-beside':
        if (this.#beside?.lease) this.#bringingBeside = this.#bring(this.#beside.lease);
        break;
      case 'cancel-beside':
        this.#bringingBeside?.giveUp();
        this.#bringingBeside = null;
        this.#beside?.giveUp();
        this.#beside = null;
        break;
      case 'retire':
        this.#replace();
        break;
      case 'promote':
        this.#promote();
        break;
      case 'cancel-back':
        this.#cancelBack();
        break;
    }
  }

  /** Brings over the link that is up what it leads to; that goes on where it is being done. */
  back(): void {
    const lease = this.#lease;
    if (lease === null || this.#bringing?.link === lease.link) return;
    this.#cancelBack();
    this.#bringing = this.#bring(lease);
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

  /** The second link takes the place of the first; that one lives until `settle` finds that nobody uses it. */
  #replace(): void {
    const next = this.#beside?.lease ?? null;
    if (next === null) return;
    this.#cancelBack();
    this.#beside = null;
    this.#bringingBeside = null;
    const before = this.#lease;
    this.#heedless();
    if (before !== null) {
      before.link.onDoubt(nobody);
      this.#retired.add(before);
    }
    this.#take(next);
  }

  /** The second link is the lane's own attempt now; where it is up already, that is told once `step` is done. */
  #promote(): void {
    const attempt = this.#beside;
    this.#dialing = attempt;
    this.#beside = null;
    this.#bringing = this.#bringingBeside;
    this.#bringingBeside = null;
    const lease = attempt?.lease ?? null;
    if (attempt !== null && lease !== null) queueMicrotask(() => this.#arrive(attempt, lease));
  }

  /** The backend is not brought over this link any more. */
  #cancelBack(): void {
    this.#bringing?.giveUp();
    this.#bringing = null;
  }

  #begin(forced: boolean): LinkAttempt {
    const attempt: LinkAttempt = new LinkAttempt(this.#dialer, forced, {
      made: (lease) => {
        if (this.#beside === attempt) this.#news.besideLinked(lease.link);
        else this.#arrive(attempt, lease);
      },
      failed: (error) => {
        if (this.#beside === attempt) {
          this.#beside = null;
          return this.#news.besideFailed(error);
        }
        this.#dialing = null;
        this.#news.failed(error);
      },
    });
    return attempt;
  }

  #arrive(attempt: LinkAttempt, lease: Lease): void {
    if (this.#dialing !== attempt) return;
    this.#dialing = null;
    this.#take(lease, () => this.#news.linked(lease.link));
  }

  #bring(lease: Lease): Bringing {
    const { link } = lease;
    const bring = async (signal: AbortSignal) => {
      // What the first try over a link goes by was read before that was dialed.
      if (this.#tried.has(link)) await this.#dialer.restamp();
      this.#tried.add(link);
      signal.throwIfAborted();
      return this.#ready(link, signal);
    };
    const told = (beside: () => void, own: () => void) => {
      if (this.#bringingBeside === bringing) {
        this.#bringingBeside = null;
        return beside();
      }
      if (this.#dialing?.lease === lease) this.#arrive(this.#dialing, lease);
      if (this.#bringing !== bringing) return;
      this.#bringing = null;
      own();
    };
    const bringing: Bringing = new Bringing(link, bring, {
      brought: (backed) =>
        told(
          () => this.#news.besideBacked(link, backed),
          () => this.#news.backed(link, backed),
        ),
      failed: (error) =>
        told(
          () => this.#news.besideUnready(link, error),
          () => this.#news.failed(error),
        ),
    });
    return bringing;
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

  async #ready(link: Link, signal: AbortSignal): Promise<Backed> {
    const { asked } = this;
    this.asked = false;
    const backed = await this.#backing.prepare(link, asked, signal);
    // A wish that came meanwhile is fulfilled.
    if (!signal.aborted) this.asked = false;
    return backed;
  }
}
