import { isIP } from 'node:net';
import { nearest } from '../core/model/nearest.ts';
import { parseHostSpec } from '../core/ssh/resolve/host-name.ts';
import { readConfig } from '../core/ssh/resolve/resolution.ts';
import { askHost } from '../core/ssh/resolve/resolve.ts';
import { detect } from './hosts.ts';
import { resolveOptions } from './resolve-options.ts';

/**
 * The alias that was probably meant by the host of a new relay; null where none is near, or where ssh_config or known_hosts knows that
 * host. No name server is asked.
 */
export async function nearHost(text: string, sshConfig: string | null): Promise<string | null> {
  const { host } = parseHostSpec(text);
  if (isIP(host) !== 0) return null;
  // A line for a pattern may say what it is.
  if ((await askHost(await readConfig(resolveOptions(sshConfig)), host)).hostName !== host) return null;
  const { hosts } = await detect(sshConfig);
  if (hosts.some((one) => one.name === host || parseHostSpec(one.host).host === host.toLowerCase())) return null;
  return nearest(
    host,
    hosts.filter(({ source }) => source === 'ssh_config').map(({ name }) => name),
  );
}
