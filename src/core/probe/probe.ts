import type { HealthConfig } from '../model/config.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Channel, Link } from '../ssh/link/link.ts';
import type { ShownToken } from './shown-token.ts';

/**
 * Asks a target over a link whether it is well, by a connection of its own. `shown`: the token that the question has; none unless given.
 * Rejects with PROBE_FAILED, TOKEN_MISSING, TOKEN_REFUSED, with what dialing rejects with, and the signal's reason.
 */
export type Probe = (
  link: Link,
  target: Endpoint,
  health: HealthConfig,
  signal: AbortSignal,
  shown?: ShownToken | null,
) => Promise<void>;

/** A connection that no client asked for. */
export function dialAlone(link: Pick<Link, 'dial'>, target: Endpoint): Promise<Channel> {
  return link.dial(target, { address: '127.0.0.1', port: 0 });
}
