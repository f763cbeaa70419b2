import { sameEndpoint } from '../model/endpoint.ts';
import type { Judgement } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { Dial } from '../model/plugin.ts';
import type { Guests } from '../plugin/guests.ts';
import type { Link } from '../ssh/link/link.ts';
import type { Backed } from './backing.ts';
import { TargetWatch } from './target-watch.ts';

/** What a lane hears of its targets. */
export interface TargetNews {
  judged(forward: number, judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** Nothing listens where the backend should be, or somebody else does. Said each time that it is so. */
  refused(): void;
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

  constructor(guests: Pick<Guests, 'hasProbe' | 'probe'>, news: TargetNews) {
    this.#guests = guests;
    this.#news = news;
  }

  /** The last round trip to each target, ms; none without a link. */
  get rtt(): readonly (number | null)[] {
    return this.#watches.map((watch) => watch?.rtt ?? null);
  }

  begin(link: Link, { forwards, backend, token, ask, verify }: Backed): void {
    const guests = this.#guests.hasProbe
      ? (dial: Dial, mayShow: boolean) => this.#guests.probe(dial, mayShow ? token : null)
      : null;
    const forbidden = new Set<number>();
    this.#watches = forwards.map((forward, index) => {
      if (forward === null) {
        const text = 'no plugin of the relay says where its backend listens; see its plugins';
        this.#news.judged(index, 'unwell', new Fault('LAUNCH_FAILED', text), null);
        return null;
      }
      const leadsToBackend = backend !== null && sameEndpoint(forward.target, backend.target);
      const asks = leadsToBackend ? { backend: ask, verify, guests } : { backend: null, verify: null, guests };
      return new TargetWatch(forward, link, asks, {
        judged: (judgement, fault, rtt) => {
          if (fault?.code === 'FORWARDING_REFUSED') forbidden.add(index);
          else forbidden.delete(index);
          if (fault !== null && forbidden.size === forwards.length && this.#news.forbidden(fault)) return;
          this.#news.judged(index, judgement, fault, rtt);
        },
        refused: () => {
          if (leadsToBackend) this.#news.refused();
        },
      });
    });
  }

  /** A client's dial of a forward's target went well (null), or not. */
  served(forward: number, fault: Fault | null): void {
    this.#watches[forward]?.served(fault);
  }

  stop(): void {
    for (const watch of this.#watches) watch?.stop();
    this.#watches = [];
  }
}
