import { Fault } from '../../model/fault.ts';
import { freePermit, openLink, type OpenLinkOptions } from '../open-link.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import type { Hop } from '../route.ts';

/** A host key as its host showed it. */
export interface FetchedKey {
  readonly hop: Hop;
  /** In its wire form (RFC 4253 section 6.6). */
  readonly key: Buffer;
}

/** How a route is gone. */
export type FetchOptions = Pick<OpenLinkOptions, 'deadlines' | 'env' | 'ask' | 'onStage' | 'onNote' | 'signal'>;

/**
 * Fetches the key that the last host of a route shows to ssh, and leaves before the login: no identity is read for that host. The
 * hosts before it are logged in to, for there is no other way through. Rejects with the fault that was in the way.
 */
export async function fetchHostKey(route: readonly HostConfig[], options: FetchOptions): Promise<FetchedKey> {
  const seen: FetchedKey[] = [];
  const enough = new Fault('HOST_KEY_UNKNOWN', 'the host key was only looked at; nothing to do');
  try {
    const link = await openLink({
      ...options,
      route,
      keepalive: null,
      quicken: false,
      permit: async () => freePermit,
      judge: (hop, key) => {
        seen.push({ hop, key: Buffer.from(key) });
        return enough;
      },
    });
    link.close();
  } catch (error) {
    const [fetched] = seen;
    if (fetched !== undefined && error === enough) return fetched;
    throw error;
  }
  throw new Fault('INTERNAL', 'a bug in towline: a host key that was refused was accepted; please report it');
}
