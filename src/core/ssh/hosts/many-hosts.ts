import type { HostConfig } from '../resolve/host-config.ts';
import { readConfig } from '../resolve/resolution.ts';
import { askHost, type ResolveOptions } from '../resolve/resolve.ts';
import type { DeclaringFile } from './declared-names.ts';

/** An ssh_config that was read once, to be asked for many hosts. */
export interface ManyHosts {
  readonly roots: readonly DeclaringFile[];
  readonly resolve: (host: string) => Promise<HostConfig>;
}

/** Reads what ssh would read. Throws SSH_CONFIG_INVALID. */
export async function readManyHosts(options: ResolveOptions): Promise<ManyHosts> {
  const config = await readConfig(options);
  return { roots: config.sources.roots, resolve: (host) => askHost(config, host) };
}
