import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { keyType } from '../identity/key-blob.ts';
import type { Hop } from '../route.ts';
import { withFileLock } from './file-lock.ts';
import { judgeHostKey, whyUnwritten } from './host-key.ts';
import { loadKnownHosts } from './known-hosts.ts';
import { formatEntry } from './known-hosts-entry.ts';
import { appendLine, locateKnownHosts } from './known-hosts-file.ts';
import { knownName } from './known-name.ts';

/** How a new key was taken down: written to a file, found there meanwhile, or only heard, where the file is /dev/null. */
export type Learned = 'written' | 'known' | 'discarded';

/**
 * Writes a new host key to the first of the user's known_hosts files, as ssh does. What the files say is read again first, under a
 * lock: of two workers that meet a new host at once only one writes, and where they met different keys the other one is refused with
 * HOST_KEY_CHANGED. `asked`: who said yes, StrictHostKeyChecking accept-new or a person.
 */
export async function learnHostKey(
  hop: Hop,
  key: Buffer,
  asked: 'policy' | 'person',
  signal: AbortSignal,
): Promise<Learned> {
  const { knownHostsTo, knownHostsFiles, revokedHostKeys, hashKnownHosts } = hop.host;
  const why = whyUnwritten(hop);
  if (knownHostsTo === null || why !== null) {
    throw new Fault(
      'KNOWN_HOSTS_UNWRITABLE',
      `the host key of ${hop.where} cannot be kept: ${why}; correct ssh_config`,
    );
  }
  const path = await locateKnownHosts(knownHostsTo);
  if (path === '/dev/null') return 'discarded';
  const learn = async (): Promise<Learned> => {
    const about = { name: hop.knownAs, port: hop.knownPort };
    const knownHosts = await loadKnownHosts(knownHostsFiles, revokedHostKeys, about);
    const judged = judgeHostKey({ ...hop, knownHosts }, key);
    if (judged === null) return 'known';
    if (judged !== 'learn' && !(asked === 'person' && isOpenToPeople(judged))) throw judged;
    await appendLine(path, formatEntry(hop.knownAs, hop.knownPort, key, hashKnownHosts));
    return 'written';
  };
  return withFileLock(path, learn, signal);
}

/** True for a fault that a person who has compared the fingerprint may overrule. */
export function isOpenToPeople({ code }: Fault): boolean {
  return code === 'HOST_KEY_UNKNOWN' || code === 'HOST_KEY_UNVERIFIABLE';
}

/**
 * StrictHostKeyChecking accept-new: writes the key, and answers what the user is to be told. As with ssh the connection goes on
 * where the file cannot be written; where it was tampered with, or the key is none to be accepted any more, it rejects.
 */
export async function acceptNew(hop: Hop, key: Buffer, signal: AbortSignal): Promise<string | null> {
  const [name, shown] = [knownName(hop.knownAs, hop.knownPort), `${keyType(key)} ${fingerprint(key)}`];
  try {
    const learned = await learnHostKey(hop, key, 'policy', signal);
    if (learned === 'known') return null;
    if (learned === 'written') return `the new host key of ${name} (${shown}) was added to ${hop.host.knownHostsTo}`;
    return `the new host key of ${name} (${shown}) was accepted for this connection only: known_hosts is /dev/null`;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'KNOWN_HOSTS_UNWRITABLE') throw error;
    return `the new host key of ${name} (${shown}) was accepted for this connection only: ${error.message}`;
  }
}
