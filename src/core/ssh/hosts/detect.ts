import { formatAddress } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { Turnstile } from '../../model/turnstile.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import { declaredNames } from './declared-names.ts';
import { type Budget, readManyKnownHosts, type ManyKnownHosts, type KnownKeys, knownKeys } from './many-known-hosts.ts';
import { namesOf } from '../known-hosts/known-name.ts';
import { routeHosts } from '../resolve/route-hosts.ts';
import type { ManyHosts } from './many-hosts.ts';

/** A host that ssh_config or known_hosts names. */
export interface DetectedHost {
  /** As it stands there; `[host]:port` where known_hosts says so. */
  readonly name: string;
  /** How to write it as the host of a relay. */
  readonly host: string;
  readonly source: 'ssh_config' | 'known_hosts';
  /** `file:line` of each place that names it. */
  readonly places: readonly string[];
  /** Where ssh would connect; a fault where that cannot be said. */
  readonly reaches: Reach | Fault;
  readonly key: KnownKeys;
}

/** What a host name comes to. */
export interface Reach {
  /** `user@hostname:port`. */
  readonly address: string;
  /** The hops before it, first one first, as `user@hostname:port`. */
  readonly through: readonly string[];
  /** The names under which ssh_config has them. */
  readonly via: readonly string[];
  /** A ProxyCommand stands in the place of a TCP connection. */
  readonly command: boolean;
}

/** All that was detected. */
export interface Detected {
  readonly hosts: readonly DetectedHost[];
  /** Entries of known_hosts whose names are hashed and cannot be told. */
  readonly hashed: number;
  /** The known_hosts files that were looked into. */
  readonly knownHosts: readonly string[];
  /** Files that could not be read, one sentence each. */
  readonly troubles: readonly string[];
}

/** A name server that is slow, or gone, is waited for by so many hosts at once. */
const askedAtOnce = 8;

/** About a second; beyond it hashed entries are not compared any more. */
const comparisons = 200_000;

/**
 * The hosts of ssh_config in the order of its files, then those that only known_hosts names. A host that cannot be resolved is listed
 * with its fault. Each name is asked for once, so that thousands of hosts are cheap where the files are read once.
 */
export async function detectHosts({ roots, resolve }: ManyHosts): Promise<Detected> {
  const declared = declaredNames(roots);
  const indexes = new Map<string, ManyKnownHosts>();
  const ask = remember(resolve);
  for (const name of declared.keys()) void ask(name);
  // Which files any other host would have: the user's own known_hosts counts, too, where every alias has another one.
  for (const name of ['localhost', ...declared.keys()]) {
    const found = await ask(name);
    if (found instanceof Fault) continue;
    for (const file of found.knownHostsFiles) if (!indexes.has(file)) indexes.set(file, await readManyKnownHosts(file));
  }
  const known = mergeNames([...indexes.values()]);
  const budget: Budget = { left: comparisons };
  const hosts: DetectedHost[] = [];
  const covered = new Set<string>();
  for (const [name, places] of declared) {
    const found = await ask(name);
    const [knownAs = ''] = found instanceof Fault ? [] : lookupNames(found);
    covered.add(knownAs).add(name.toLowerCase());
    const all = [...places, ...new Set([...(known.get(knownAs) ?? []), ...(known.get(name.toLowerCase()) ?? [])])];
    hosts.push({
      name,
      host: name,
      source: 'ssh_config',
      places: all,
      ...(await describe(found, ask, indexes, budget)),
    });
  }
  const others = [...known].filter(([name]) => !covered.has(name));
  for (const [name] of others) void ask(asDestination(name));
  for (const [name, places] of others) {
    const host = asDestination(name);
    hosts.push({
      name,
      host,
      source: 'known_hosts',
      places,
      ...(await describe(await ask(host), ask, indexes, budget)),
    });
  }
  const files = [...indexes];
  return {
    hosts,
    hashed: files.reduce((sum, [, { hashed }]) => sum + hashed, 0),
    knownHosts: files.map(([file]) => file),
    troubles: files.flatMap(([, { trouble }]) => trouble ?? []),
  };
}

type Ask = (host: string) => Promise<HostConfig | Fault>;

/** Asks once for each name, for so many at once; a hop of many hosts is asked for by all of them. Never rejects. */
function remember(resolve: ManyHosts['resolve']): Ask {
  const answers = new Map<string, Promise<HostConfig | Fault>>();
  const turnstile = new Turnstile(askedAtOnce);
  const inTurn = (host: string) =>
    new Promise<HostConfig | Fault>((answered) => {
      turnstile.enter((leave) => {
        void resolve(host)
          .catch((error: unknown) => Fault.from(error))
          .then(answered)
          .finally(leave);
      });
    });
  return (host) => {
    const answer = answers.get(host) ?? inTurn(host);
    answers.set(host, answer);
    return answer;
  };
}

async function describe(
  found: HostConfig | Fault,
  ask: Ask,
  indexes: ReadonlyMap<string, ManyKnownHosts>,
  budget: Budget,
): Promise<Pick<DetectedHost, 'reaches' | 'key'>> {
  if (found instanceof Fault) return { reaches: found, key: { state: 'none', types: [] } };
  const files = found.knownHostsFiles.flatMap((file) => indexes.get(file) ?? []);
  const key = knownKeys(files, lookupNames(found), budget);
  const hops = await hopsTo(found, ask);
  if (hops instanceof Fault) return { reaches: hops, key };
  const reach: Reach = {
    address: formatAddress(found),
    through: hops.map(formatAddress),
    via: hops.map((hop) => hop.alias),
    command: found.proxyCommand !== null || hops[0]?.proxyCommand != null,
  };
  return { reaches: reach, key };
}

async function hopsTo(host: HostConfig, ask: Ask): Promise<readonly HostConfig[] | Fault> {
  const resolve = async (hop: string) => {
    const found = await ask(hop);
    if (found instanceof Fault) throw found;
    return found;
  };
  return routeHosts(host, resolve).then(
    (route) => route.slice(0, -1),
    (error: unknown) => Fault.from(error),
  );
}

/** The names under which ssh looks for the key of a host, the first one first. */
function lookupNames({ hostKeyAlias, hostName, port }: HostConfig): readonly string[] {
  return hostKeyAlias === null ? namesOf(hostName, port) : namesOf(hostKeyAlias, 22);
}

function mergeNames(indexes: readonly ManyKnownHosts[]): ReadonlyMap<string, readonly string[]> {
  const merged = new Map<string, readonly string[]>();
  for (const { names } of indexes) {
    for (const [name, places] of names) merged.set(name, [...(merged.get(name) ?? []), ...places]);
  }
  return merged;
}

/** `[host]:port` of known_hosts as ssh takes it on its command line. */
function asDestination(name: string): string {
  const [, host, port] = /^\[([^\]]*)\]:(\d+)$/.exec(name) ?? [];
  if (host === undefined || port === undefined) return name;
  return host.includes(':') ? name : `${host}:${port}`;
}
