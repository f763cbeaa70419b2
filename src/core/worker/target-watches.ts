import type { Judgement } from '../model/event.ts';
import { sameEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';
import type { Backed } from './backing.ts';
import { TargetWatch } from './target-watch.ts';

/** What a lane hears of its targets. */
export interface TargetNews {
  judged(forward: number, judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** Nothing answers where the backend should be. Said each time that it is so. */
  unbacked(): void;
  /** The server forbids every forward: true gives the link up. It is asked again with each new verdict. */
  forbidden(fault: Fault): boolean;
}

/**
 * Watches the target of each forward over one link. A server's policy is fixed when a session begins (sshd): where it forbids every
 * forward, only a new link can tell when that changes.
 */
export function watchTargets(
  { forwards, ask, backend }: Backed,
  link: Link,
  news: TargetNews,
): readonly (TargetWatch | null)[] {
  const forbidden = new Set<number>();
  return forwards.map((forward, index) => {
    if (forward === null) {
      news.judged(
        index,
        'unwell',
        new Fault('LAUNCH_FAILED', 'no plugin launched a backend; see the plugins of the relay'),
        null,
      );
      return null;
    }
    const backs = backend !== null && sameEndpoint(forward.target, backend.target);
    return new TargetWatch(forward, link, backs ? ask : null, {
      judged: (judgement, fault, rtt) => {
        if (fault?.code === 'FORWARDING_REFUSED') forbidden.add(index);
        else forbidden.delete(index);
        if (fault !== null && forbidden.size === forwards.length && news.forbidden(fault)) return;
        news.judged(index, judgement, fault, rtt);
      },
      refused: () => {
        if (backs) news.unbacked();
      },
    });
  });
}
