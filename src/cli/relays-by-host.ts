import type { RelayConfig } from '../core/model/config.ts';
import { formatAddress } from '../core/model/endpoint.ts';
import type { DetectedHost } from '../core/ssh/hosts/detect.ts';
import { parseHostSpec } from '../core/ssh/resolve/host-name.ts';

/** Makes the question which relays use a detected host. */
export function relaysByHost(relays: readonly RelayConfig[]): (host: DetectedHost) => readonly string[] {
  const users = new Map<string, string[]>();
  for (const relay of relays) {
    const { host, port } = parseHostSpec(relay.host);
    // An alias is used whatever user or port is named with it; known_hosts knows each port for itself.
    const destination = port === null || port === 22 ? host : formatAddress({ hostName: host, port });
    for (const key of [`ssh_config ${host}`, `known_hosts ${destination.toLowerCase()}`]) {
      users.set(key, [...(users.get(key) ?? []), relay.name]);
    }
  }
  return ({ source, host }) => users.get(`${source} ${host}`) ?? [];
}
