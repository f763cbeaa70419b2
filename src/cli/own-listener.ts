import { listensHere } from '../core/model/config.ts';
import type { Endpoint } from '../core/model/endpoint.ts';
import type { RelayStatus } from '../core/model/status.ts';

/** For which of its relays the daemon listens where an address would be bound; null: for none. */
export function holderOf(relays: readonly RelayStatus[], listen: Endpoint): string | null {
  const has = (one: RelayStatus['forwards'][number]) => one.bound && listensHere(one) && meets(one.listen, listen);
  return relays.find(({ forwards }) => forwards.some(has))?.name ?? null;
}

/** Whether one is in the way of the other. */
function meets(one: Endpoint, other: Endpoint): boolean {
  if (one.kind === 'unix' || other.kind === 'unix')
    return one.kind === 'unix' && other.kind === 'unix' && one.path === other.path;
  const wide = (host: string) => host === '0.0.0.0' || host === '::' || host === 'localhost';
  return one.port === other.port && (one.host === other.host || wide(one.host) || wide(other.host));
}
