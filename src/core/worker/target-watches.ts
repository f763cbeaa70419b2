import type { ForwardConfig } from '../model/config.ts';
import type { Judgement } from '../model/event.ts';
import type { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import { TargetWatch } from './target-watch.ts';

/** What a lane hears of its targets. */
export interface TargetNews {
  judged(forward: number, judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** The server forbids every forward: true gives the link up. It is asked again with each new judgement. */
  forbidden(fault: Fault): boolean;
}

/**
 * Watches the target of each forward over one link after the other. A server's policy is fixed when a session begins (sshd): where it
 * forbids every forward, only a new link can tell when that changes.
 */
export class TargetWatches {
  readonly #forwards: readonly ForwardConfig[];
  readonly #news: TargetNews;
  #watches: readonly TargetWatch[] = [];

  constructor(forwards: readonly ForwardConfig[], news: TargetNews) {
    this.#forwards = forwards;
    this.#news = news;
  }

  /** The last round trip to each target, ms; none without a link. */
  get rtt(): readonly (number | null)[] {
    return this.#watches.map((watch) => watch.rtt);
  }

  begin(link: Link): void {
    const forbidden = new Set<number>();
    this.#watches = this.#forwards.map(
      (forward, index) =>
        new TargetWatch(forward, link, (judgement, fault, rtt) => {
          if (fault?.code === 'FORWARDING_REFUSED') forbidden.add(index);
          else forbidden.delete(index);
          if (fault !== null && forbidden.size === this.#forwards.length && this.#news.forbidden(fault)) return;
          this.#news.judged(index, judgement, fault, rtt);
        }),
    );
  }

  /** A client's dial of a forward's target went well (null), or not. */
  served(forward: number, fault: Fault | null): void {
    this.#watches[forward]?.served(fault);
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop();
    this.#watches = [];
  }
}
