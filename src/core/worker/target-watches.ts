import type { ForwardConfig } from '../model/config.ts';
import type { Judgement } from '../model/event.ts';
import type { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import { type GuestProbe, TargetWatch } from './target-watch.ts';

/** What a lane hears of its targets. */
export interface TargetNews {
  judged(forward: number, judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** The server forbids every forward: true gives the link up. It is asked again with each new verdict. */
  forbidden(fault: Fault): boolean;
}

/**
 * Watches the target of each forward over one link. A server's policy is fixed when a session begins (sshd): where it forbids every
 * forward, only a new link can tell when that changes.
 */
export function watchTargets(
  forwards: readonly ForwardConfig[],
  link: Link,
  news: TargetNews,
  guests: GuestProbe | null = null,
): readonly TargetWatch[] {
  const forbidden = new Set<number>();
  return forwards.map(
    (forward, index) =>
      new TargetWatch(
        forward,
        link,
        (judgement, fault, rtt) => {
          if (fault?.code === 'FORWARDING_REFUSED') forbidden.add(index);
          else forbidden.delete(index);
          if (fault !== null && forbidden.size === forwards.length && news.forbidden(fault)) return;
          news.judged(index, judgement, fault, rtt);
        },
        guests,
      ),
  );
}
