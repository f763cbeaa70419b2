import { isIP, isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import type { ForwardConfig, RelayConfig } from '../../model/config.ts';
import { formatEndpoint, isLoopback } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { Link } from '../../ssh/link/link.ts';

/**
 * The forwards that would dial their own listener, by their numbers: each client would bring another one, without end. The host is this very machine
 * where it was reached at the address that the link comes from, and has the same name; a container behind a port of this machine has another.
 */
export function loopsOf(link: Pick<Link, 'atHome'>, machine: string, relay: RelayConfig): ReadonlyMap<number, Fault> {
  if (!link.atHome || machine !== hostname()) return new Map();
  return new Map(
    relay.forwards.flatMap((forward, index) => {
      const target = ownListener(forward);
      if (target === null) return [];
      const text = `${relay.host} is this machine, and ${target} on it is the listener of ${relay.name} itself; give the forward another port to listen on`;
      return [[index, new Fault('TARGET_LOOP', text)] as const];
    }),
  );
}

/** The target of a forward that is surely its own listener; a name, or another address of loopback, may be somebody else's. */
export function ownListener(forward: ForwardConfig): string | null {
  if (forward.kind !== 'local') return null;
  const { listen, target } = forward;
  if (listen.kind !== 'tcp' || target.kind !== 'tcp' || listen.port !== target.port) return null;
  const everywhere = listen.host === '0.0.0.0' ? isIPv4(target.host) : listen.host === '::' && isIP(target.host) !== 0;
  const met = listen.host === target.host || (everywhere && isLoopback(target.host));
  return met ? formatEndpoint(target) : null;
}
