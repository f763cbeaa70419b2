import type { HostConfig } from '../resolve/host-config.ts';
import { resolveHost, type ResolveOptions } from '../resolve/resolve.ts';
import { type ConfigFile, loadSshConfig } from '../resolve/ssh-config-file.ts';
import type { DeclaringFile } from './declared-names.ts';

/** An ssh_config that is asked for many hosts. */
export interface ManyHosts {
  readonly roots: readonly DeclaringFile[];
  readonly resolve: (host: string) => Promise<HostConfig>;
}

/** Reads what ssh would read. Throws SSH_CONFIG_INVALID. */
export async function readManyHosts(options: ResolveOptions): Promise<ManyHosts> {
  const { roots } = await loadSshConfig(options.sshConfig, options.home);
  return { roots: roots.map(declaring), resolve: (host) => resolveHost(host, options) };
}

function declaring({ lines }: ConfigFile): DeclaringFile {
  return { lines: lines.map(({ includes, ...line }) => ({ line, includes: includes.map(declaring) })) };
}
