import { isIP } from 'node:net';
import { join } from 'node:path';
import { nearest } from '../core/model/nearest.ts';
import { declaredNames, isSpokenOf } from '../core/ssh/hosts/declared-names.ts';
import { readManyKnownHosts } from '../core/ssh/hosts/many-known-hosts.ts';
import { loadSshConfig } from '../core/ssh/resolve/config-file.ts';
import { parseHostSpec } from '../core/ssh/resolve/host-name.ts';
import { resolveOptions } from './resolve-options.ts';

/**
 * The alias that was probably meant by the host of a new relay; null where none is near, or where a Host line or the usual known_hosts
 * files name that host. Only files are read: no name server is asked, no command of ssh_config is run.
 */
export async function nearHost(text: string, sshConfig: string | null): Promise<string | null> {
  const host = parseHostSpec(text).host.toLowerCase();
  if (isIP(host) !== 0) return null;
  const { home, env } = resolveOptions(sshConfig);
  const { roots } = await loadSshConfig(sshConfig, { home, env });
  if (isSpokenOf(roots, host)) return null;
  const near = nearest(host, [...declaredNames(roots).keys()].filter(isHost));
  if (near === null) return null;
  for (const file of [join(home, '.ssh/known_hosts'), '/etc/ssh/ssh_known_hosts']) {
    const { names } = await readManyKnownHosts(file);
    if ([...names.keys()].some((name) => name === host || name.startsWith(`[${host}]:`))) return null;
  }
  return near;
}

/** A name of ssh_config may be one that no relay could have. */
function isHost(name: string): boolean {
  try {
    parseHostSpec(name);
    return true;
  } catch {
    return false;
  }
}
