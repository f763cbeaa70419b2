import { leadsToBackend } from '../../model/backend.ts';
import type { Judgement } from '../../model/event.ts';
import { Fault } from '../../model/fault.ts';
import type { Dial } from '../../model/plugin.ts';
import type { Guests } from '../../plugin/guests.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { Backed } from './backing.ts';
import { TargetWatch } from './target-watch.ts';

/** What a lane hears of its targets. */
export interface TargetNews {
  judged(forward: number, judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** Nothing listens where the backend should be, or somebody else does (BACKEND_FOREIGN). Said each time that it is so. */
  refused(fault: Fault): void;
  /** The server forbids every forward: true gives the link up. It is asked again with each new judgement. */
  forbidden(fault: Fault): boolean;
}

/**
 * Watches the target of each forward over one link after the other. A server's policy is fixed when a session begins (sshd): where it
 * forbids every forward, only a new link can tell when that changes.
 */
export class TargetWatches {
  readonly #guests: Pick<Guests, 'hasProbe' | 'probe'>;
  readonly #news: TargetNews;
  #watches: readonly (TargetWatch | null)[] = [];
  readonly #forbidden = new Set<number>();
  #barred: ReadonlyMap<number, Fault> = new Map();
  /** Those that need no watch, and of which that was told. */
  readonly #told = new Set<number>();
  /** Where no backend is known, whose the token would be: each target may be meant by it. It may be learned while they are asked already. */
  #common: Backed['token'] = null;

  constructor(guests: Pick<Guests, 'hasProbe' | 'probe'>, news: TargetNews) {
    this.#guests = guests;
    this.#news = news;
  }

  /** The last round trip to each target, ms; none without a link. */
  get rtt(): readonly (number | null)[] {
    return this.#watches.map((watch) => watch?.rtt ?? null);
  }

  /** The server's policy is against a forward that has no target there. */
  forbid(forward: number, fault: Fault): void {
    this.#forbidden.add(forward);
    if (this.#forbidden.size === this.#watches.length) this.#news.forbidden(fault);
  }

  /** That forward is bound, or fails for another reason by now: it is not the policy. */
  allow(forward: number): void {
    this.#forbidden.delete(forward);
  }

  /**
   * What the link leads to was brought, or brought again, or has gone: what does not lead there goes on as it is. `waiting`: nobody asks about
   * these until they are begun with again.
   */
  follow(link: Link, { forwards, backend, token, ask, verify }: Backed, waiting: ReadonlySet<number>): void {
    this.#common = backend === null ? token : null;
    const guests = this.#guests.hasProbe
      ? (dial: Dial, mayShow: boolean) => this.#guests.probe(dial, mayShow ? token : null)
      : null;
    // The token is the backend's: who asks elsewhere does not get it.
    const strangers = guests === null ? null : (dial: Dial) => this.#guests.probe(dial, this.#common);
    this.#watches = forwards.map((forward, index) => {
      if (this.#barred.has(index)) return null;
      const led = forward !== null && leadsToBackend(forward, backend?.target ?? null);
      const before = this.#watches[index] ?? null;
      const waits = waiting.has(index);
      if (!led && !waits && (before !== null || (forward?.kind !== 'local' && this.#told.has(index)))) return before;
      before?.stop();
      this.#told.delete(index);
      if (waits) return null;
      if (forward?.kind !== 'local') this.#told.add(index);
      if (forward === null) {
        const text = 'no plugin of the relay says where its backend listens; see its plugins';
        this.#news.judged(index, 'unwell', new Fault('LAUNCH_FAILED', text), null);
        return null;
      }
      if (forward.kind !== 'local') {
        // Whether clients can come is all that there is to say of it: each has a target of its own, or dials this machine.
        this.#news.judged(index, 'well', null, null);
        return null;
      }
      return new TargetWatch(
        forward,
        link,
        led ? { backend: ask, verify, guests } : { backend: null, verify: null, guests: strangers },
        {
          judged: (judgement, fault, rtt) => {
            if (fault?.code === 'FORWARDING_REFUSED') this.#forbidden.add(index);
            else this.#forbidden.delete(index);
            if (fault !== null && this.#forbidden.size === forwards.length && this.#news.forbidden(fault)) return;
            this.#news.judged(index, judgement, fault, rtt);
          },
          refused: (fault) => {
            if (led) this.#news.refused(fault);
          },
        },
      );
    });
  }

  /** These forwards must not be used over this link, by these faults: nobody asks about them. */
  bar(forwards: ReadonlyMap<number, Fault>): void {
    this.#barred = forwards;
    for (const [forward, fault] of forwards) {
      this.#watches[forward]?.stop();
      this.#news.judged(forward, 'unwell', fault, null);
    }
    this.#watches = this.#watches.map((watch, index) => (forwards.has(index) ? null : watch));
  }

  /** A client's dial of a forward's target went well (null), or not. */
  served(forward: number, fault: Fault | null): void {
    this.#watches[forward]?.served(fault);
  }

  stop(): void {
    for (const watch of this.#watches) watch?.stop();
    this.#watches = [];
    this.#told.clear();
    this.#barred = new Map();
    this.#forbidden.clear();
  }
}
