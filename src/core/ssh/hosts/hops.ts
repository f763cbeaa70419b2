import { Fault } from '../../model/fault.ts';
import type { HostConfig } from '../resolve/host-config.ts';

const depth = 16;

/** The hosts that ProxyJump leads through before a host is reached, first one first; a fault where one cannot be resolved. */
export async function hopsOf(
  last: HostConfig,
  ask: (host: string) => Promise<HostConfig | Fault>,
): Promise<readonly HostConfig[] | Fault> {
  const hops: HostConfig[] = [];
  // As in resolveRoute(): of several hops only the first one's own ProxyJump counts.
  for (let jumps = last.proxyJump; jumps.length > 0; jumps = hops[0]?.proxyJump ?? []) {
    const found: HostConfig[] = [];
    for (const jump of jumps) {
      const hop = await ask(jump);
      if (hop instanceof Fault) return hop;
      found.push(hop);
    }
    hops.unshift(...found);
    if (hops.length > depth) {
      const text = `ProxyJump of "${last.alias}" leads through "${jumps[0]}" again; remove the loop in ssh_config`;
      return new Fault('SSH_CONFIG_INVALID', text);
    }
  }
  return hops;
}
