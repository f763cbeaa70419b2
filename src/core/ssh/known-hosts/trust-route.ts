import type { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { keyType } from '../identity/key-blob.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import { type Hop, prepareVisit } from '../route.ts';
import { type FetchOptions, fetchHostKey } from './fetch-host-key.ts';
import { judgeHostKey, whyUnwritten } from './host-key.ts';
import { knownName } from './known-name.ts';
import { isOpenToPeople, type Learned, learnHostKey } from './learn-host-key.ts';

/** A host key that somebody is to decide on. */
export interface NewHostKey {
  /** The host, and the hop where there are several, as faults name it. */
  readonly where: string;
  readonly type: string;
  readonly fingerprint: string;
  /** Why it is not trusted yet: one sentence. */
  readonly why: Fault;
  /** The file that it will be written to, and the name that it will stand under there. */
  readonly file: string;
  readonly name: string;
  readonly hashed: boolean;
  /** False for a jump host on the way. */
  readonly last: boolean;
}

/** What became of the key of one host. */
export interface Trusted extends Omit<NewHostKey, 'why' | 'file' | 'hashed' | 'last'> {
  readonly result: Learned;
  /** Where it stands now; null where it is kept nowhere. */
  readonly file: string | null;
  /** Its line where it was known already, else null. */
  readonly line: number | null;
}

/** How a route is gone, and who decides on the way. */
export interface TrustOptions extends FetchOptions {
  /** Resolves when the key is to be trusted; rejects with the fault that ends it all. */
  readonly decide: (key: NewHostKey) => Promise<void>;
}

/**
 * Goes a route and has each host key that is not known decided on, then written as ssh writes it; a jump host of which some key is
 * known is judged by the login through it. A changed or revoked key is never asked about: rejects with its fault.
 */
export async function trustRoute(route: readonly HostConfig[], options: TrustOptions): Promise<readonly Trusted[]> {
  const results: Trusted[] = [];
  for (const [index, host] of route.entries()) {
    const last = index === route.length - 1;
    if (!last && (await isKnown(route, host, index))) continue;
    const { hop, key } = await fetchHostKey(route.slice(0, index + 1), options);
    const { where } = await prepareVisit(route, host, index);
    results.push(await trust({ ...hop, where, destination: route.at(-1)?.alias ?? host.alias }, key, last, options));
  }
  return results;
}

async function isKnown(route: readonly HostConfig[], host: HostConfig, index: number): Promise<boolean> {
  const { knownHosts, knownAs, knownPort } = await prepareVisit(route, host, index);
  return knownHosts.keyTypes(knownAs, knownPort).length > 0;
}

async function trust(hop: Hop, key: Buffer, last: boolean, { decide, signal }: TrustOptions): Promise<Trusted> {
  const shown = {
    where: hop.where,
    type: keyType(key),
    fingerprint: fingerprint(key),
    name: knownName(hop.knownAs, hop.knownPort),
  };
  const file = hop.host.knownHostsTo;
  // Who asks wants to be asked, whatever StrictHostKeyChecking says.
  const why = judgeHostKey({ ...hop, host: { ...hop.host, hostKeyChecking: 'ask' } }, key);
  if (why === null || why === 'learn') {
    const recognition = hop.knownHosts.recognize(hop.knownAs, hop.knownPort, key);
    const place = recognition.kind === 'known' ? recognition : { file: null, line: null };
    return { ...shown, result: 'known', file: place.file, line: place.line };
  }
  if (!isOpenToPeople(why) || file === null || whyUnwritten(hop) !== null) throw why;
  await decide({ ...shown, why, file, hashed: hop.host.hashKnownHosts, last });
  const result = await learnHostKey(hop, key, 'person', signal);
  return { ...shown, result, file: result === 'discarded' ? null : file, line: null };
}
