import { formatEndpoint } from '../core/model/endpoint.ts';
import type { Event } from '../core/model/event.ts';
import { describe } from './describe.ts';
import type { Description } from './description.ts';

/** Tells the events of one stream, in order, as lines for log and terminal; null where nothing new happened. */
export type Narrator = (event: Event) => Description | null;

/** A narrator knows the address of each forward, and stays silent when a judgement only repeats itself. */
export function createNarrator(): Narrator {
  const addresses = new Map<string, string>();
  const judged = new Map<string, string>();
  const key = (relay: string, forward: number) => `${relay}#${forward}`;
  const name = (relay: string, forward: number) => addresses.get(key(relay, forward)) ?? `forward ${forward + 1}`;
  return (event) => {
    switch (event.type) {
      case 'relay.declared':
        event.forwards.forEach(({ listen }, index) => {
          addresses.set(key(event.relay, index), formatEndpoint(listen));
        });
        break;
      case 'relay.changed': {
        const before = event.forwards.map(({ was }) =>
          was === null ? undefined : addresses.get(key(event.relay, was)),
        );
        event.forwards.forEach(({ listen }, index) => {
          addresses.set(key(event.relay, index), before[index] ?? formatEndpoint(listen));
        });
        break;
      }
      case 'relay.started':
        for (const at of judged.keys()) if (at.startsWith(`${event.relay}#`)) judged.delete(at);
        break;
      case 'listener.bound':
      case 'remote.bound':
        addresses.set(key(event.relay, event.forward), formatEndpoint(event.listen));
        break;
      case 'forward.judged': {
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
