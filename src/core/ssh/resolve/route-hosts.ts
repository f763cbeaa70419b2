import { configFault } from './config-fault.ts';
import type { HostConfig } from './host-config.ts';

const depth = 16;

/**
 * The hosts on the way to a host and itself, first hop first, as ProxyJump leads. `ask` resolves one host; what it throws is passed on.
 * Throws SSH_CONFIG_INVALID for a loop.
 */
export async function routeHosts(
  last: HostConfig,
  ask: (host: string) => Promise<HostConfig>,
): Promise<readonly HostConfig[]> {
  const before: HostConfig[] = [];
  const seen = [last.alias];
  // ssh hands the jump list of the final host to its first hop only; a hop's own ProxyJump counts for the first one.
  let jumps = last.proxyJump;
  while (jumps.length > 0) {
    const hosts = await Promise.all(jumps.map(ask));
    before.unshift(...hosts);
    const [first] = jumps;
    if (first === undefined || seen.includes(first) || before.length > depth) {
      throw configFault(`ProxyJump of "${last.alias}" leads through "${first}" again; remove the loop in ssh_config`);
    }
    seen.push(first);
    jumps = hosts[0]?.proxyJump ?? [];
  }
  // Who is reached through another host is not reached by its own command (ssh -J puts its own in the place).
  const own = (host: HostConfig, index: number) => (index === 0 ? host : { ...host, proxyCommand: null });
  return [...before, last].map(own);
}
