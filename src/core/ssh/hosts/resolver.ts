import type { HostConfig } from '../resolve/host-config.ts';
import { resolveHost, type ResolveOptions } from '../resolve/resolve.ts';

/** Resolves many hosts, one after the other, with the same ssh_config. */
export function resolverOf(options: ResolveOptions): (host: string) => Promise<HostConfig> {
  return (host) => resolveHost(host, options);
}
