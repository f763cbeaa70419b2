import { formatEndpoint } from '../core/model/endpoint.ts';
import type { Event } from '../core/model/event.ts';
import type { BackingState, Beside, LaneState } from '../core/model/state.ts';
import { describe } from './describe.ts';
import type { Description } from './description.ts';

/** Tells the events of one stream, in order, as lines for log and terminal; null where nothing new happened. */
export type Narrator = (event: Event) => Description | null;

/** A narrator knows the address of each forward, and stays silent when a judgement or a failure only repeats itself. */
export function createNarrator(): Narrator {
  const addresses = new Map<string, string>();
  const judged = new Map<string, string>();
  const failed = new Map<string, Failures>();
  /** Forwards whose address another program has, or whose listener has not been tried. */
  const unbound = new Set<string>();
  const key = (relay: string, forward: number) => `${relay}#${forward}`;
  const name = (relay: string, forward: number) => addresses.get(key(relay, forward)) ?? `forward ${forward + 1}`;
  return (event) => {
    switch (event.type) {
      case 'relay.declared':
        event.forwards.forEach(({ listen }, index) => {
          addresses.set(key(event.relay, index), formatEndpoint(listen));
          unbound.add(key(event.relay, index));
        });
        break;
      case 'relay.changed': {
        const bound = event.forwards.map(({ was }) => was !== null && !unbound.has(key(event.relay, was)));
        const before = event.forwards.map(({ was }) =>
          was === null ? undefined : addresses.get(key(event.relay, was)),
        );
        event.forwards.forEach(({ listen }, index) => {
          addresses.set(key(event.relay, index), before[index] ?? formatEndpoint(listen));
          if (bound[index] === true) unbound.delete(key(event.relay, index));
          else unbound.add(key(event.relay, index));
        });
        break;
      }
      case 'relay.started':
        for (const told of [judged, failed])
          for (const at of told.keys()) if (at.startsWith(`${event.relay}#`)) told.delete(at);
        break;
      case 'lane.changed': {
        const at = key(event.relay, event.lane);
        const before = failed.get(at) ?? nothingFailed;
        const now = failuresOf(event.state, before);
        failed.set(at, now);
        const part = event.state.at === 'up' && event.state.beside !== null ? 'beside' : 'own';
        if (now[part] !== null && now[part] === before[part]) return null;
        break;
      }
      case 'listener.failed':
        unbound.add(key(event.relay, event.forward));
        break;
      case 'listener.bound':
      case 'remote.bound':
        addresses.set(key(event.relay, event.forward), formatEndpoint(event.listen));
        unbound.delete(key(event.relay, event.forward));
        break;
      case 'forward.judged': {
        // It leads in no circle while the listener is not ours.
        if (event.fault?.code === 'TARGET_LOOP' && unbound.has(key(event.relay, event.forward))) return null;
        const at = `${key(event.relay, event.forward)} ${event.lane}`;
        const judgement = `${event.judgement} ${event.fault?.code ?? ''}`;
        if (judged.get(at) === judgement) return null;
        judged.set(at, judgement);
        break;
      }
    }
    return describe(event, name);
  };
}

/** What was told last of a lane's own failure, and of that of the link beside its own; null: it has none. */
interface Failures {
  readonly own: string | null;
  readonly beside: string | null;
}

const nothingFailed: Failures = { own: null, beside: null };

/** While the life of a link is in doubt, which other addresses alone bring about, its own failure is neither told nor over. */
function failuresOf(state: LaneState, { own }: Failures): Failures {
  if (state.at === 'waiting' || state.at === 'blocked') return { own: failureOf(state), beside: null };
  if (state.at !== 'up') return nothingFailed;
  if (state.beside === null) return { own: state.backing === null ? null : failureOf(state.backing), beside: null };
  return { own, beside: 'tries' in state.beside ? failureOf(state.beside) : null };
}

/** The same one is no news, also where the next try comes sooner. */
function failureOf(rest: BackingState | Exclude<Beside, { at: 'doubting' | 'alone' }>): string {
  const fault = 'fault' in rest ? rest.fault : null;
  return JSON.stringify([rest.at, rest.tries, fault?.code, fault?.message]);
}
