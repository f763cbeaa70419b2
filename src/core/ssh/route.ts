import type { HostConfig } from './resolve/host-config.ts';
import { type Identity, type LoadedIdentities, loadIdentities } from './identity/identity.ts';
import { type KnownHosts, loadKnownHosts } from './known-hosts/known-hosts.ts';
import { readConfig } from './resolve/resolution.ts';
import { askHost, type ResolveOptions } from './resolve/resolve.ts';
import { routeHosts } from './resolve/route-hosts.ts';
import { formatAddress } from '../model/endpoint.ts';
import type { Fault } from '../model/fault.ts';
import type { Secret } from '../model/secret.ts';
import { beside, type Given, givenFor, type Identify, nothingGiven } from './identity/given.ts';

/** One host on the way, with all that its handshake needs. */
export interface Hop {
  readonly host: HostConfig;
  /** `user@host:port`, prefixed with the hop's number where there are several: how faults name it. */
  readonly where: string;
  /** What the user wrote for the last host of the route: what `towline trust` is to be given. */
  readonly destination: string;
  /** Name and port under which known_hosts has it; an alias stands there without its port. */
  readonly knownAs: string;
  readonly knownPort: number;
  readonly knownHosts: KnownHosts;
  readonly identities: readonly Identity[];
  /** Why there is no identity, where a password or another answer may do; null otherwise. */
  readonly lacking: Fault | null;
  /** A password that a plugin knows for the account; null: a person is asked. */
  readonly password: Secret | null;
  /** A sentence for each identity that could not be offered, and for each line of known_hosts that was passed over. */
  readonly notes: readonly string[];
}

/** Resolves a host and every host that its ProxyJump leads through, first hop first. Throws HOST_INVALID or SSH_CONFIG_INVALID. */
export async function resolveRoute(spec: string, options: ResolveOptions): Promise<readonly HostConfig[]> {
  const config = await readConfig(options);
  const ask = (host: string) => askHost(config, host);
  return routeHosts(await ask(spec), ask);
}

/**
 * Reads keys, agent and known_hosts for each hop: anew for each attempt, so that a mended file counts at once. `visit`: the last
 * host is only looked at, so that no identity is read for it.
 */
export async function prepareHops(
  route: readonly HostConfig[],
  signal: AbortSignal,
  visit = false,
  identify: Identify | null = null,
): Promise<readonly Hop[]> {
  return Promise.all(
    route.map(async (host, index) => {
      const hop = await prepareVisit(route, host, index);
      if (visit && index === route.length - 1) return hop;
      const given = identify === null ? nothingGiven : await givenFor(route, index, identify, signal);
      const { identities, notes, lacking } = await identitiesOf(host, given, signal);
      return { ...hop, identities, lacking, password: given.password, notes: [...given.notes, ...notes, ...hop.notes] };
    }),
  );
}

/** ssh goes on without a key where the server may ask for something else. */
async function identitiesOf(host: HostConfig, given: Given, signal: AbortSignal): Promise<LoadedIdentities> {
  const own = await loadIdentities(host, signal);
  const loaded = given.identities.length === 0 ? own : beside(given.identities, own);
  const { lacking, notes } = loaded;
  if (lacking === null) return loaded;
  const askable = !host.batchMode && host.authMethods.some((method) => method !== 'publickey');
  if (!askable) throw lacking;
  // Who named no key and has none logs in by password: that is no news.
  return { ...loaded, notes: notes.length === 0 ? [] : [lacking.message] };
}

/** Reads known_hosts for one host of a route, and no identity. */
export async function prepareVisit(route: readonly HostConfig[], host: HostConfig, index: number): Promise<Hop> {
  const name = `${host.user}@${formatHost(host)}`;
  const knownAs = host.hostKeyAlias ?? host.hostName;
  const knownPort = host.hostKeyAlias === null ? host.port : 22;
  const about = { name: knownAs, port: knownPort };
  const knownHosts = await loadKnownHosts(host.knownHostsFiles, host.revokedHostKeys, about);
  return {
    host,
    where: route.length === 1 ? name : `hop ${index + 1} (${name})`,
    destination: route.at(-1)?.alias ?? host.alias,
    knownAs,
    knownPort,
    knownHosts,
    identities: [],
    lacking: null,
    password: null,
    notes: knownHosts.warnings,
  };
}

function formatHost({ hostName, port }: HostConfig): string {
  return formatAddress({ hostName, port });
}

/** Names a route: two relays with the same one may share a link. All that decides who is let in, on either side, is part of it. */
export function routeKey(route: readonly HostConfig[]): string {
  return JSON.stringify(
    route.map(
      ({ alias: _name, warnings: _said, files: _read, identityPlaces: _lines, proxyJump: _hops, ...decisive }) =>
        decisive,
    ),
  );
}
