import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { keyType } from '../identity/key-blob.ts';
import type { Hop } from '../route.ts';
import { changedFault, trustCommand } from './host-key-faults.ts';
import { rsaBits } from './host-key-blob.ts';
import { isRecordable } from './known-hosts-entry.ts';

/** What becomes of a host key: null accepts it, `learn` accepts it once it is written down, a fault refuses it. */
export type HostKeyJudgement = Fault | 'learn' | null;

/** The judgement on a host key: everything but null and `learn`, also what was not foreseen, is the fault that refuses. */
export function judgeHostKey(hop: Hop, key: Buffer): HostKeyJudgement {
  const { host, where } = hop;
  try {
    const shown = fingerprint(key);
    const detail = { fingerprint: shown, type: keyType(key) };
    const recognition = hop.knownHosts.recognize(hop.knownAs, hop.knownPort, key);
    const bits = rsaBits(key);
    if (recognition.kind !== 'revoked' && bits !== null && bits < host.requiredRsaSize) {
      const text = `the host key of ${where} is an RSA key of ${bits} bits, and RequiredRSASize is ${host.requiredRsaSize}; give the host a longer one`;
      return new Fault('HOST_KEY_WEAK', text, { detail });
    }
    switch (recognition.kind) {
      case 'known':
        return null;
      case 'unknown':
        return host.hostKeyChecking === 'accept-new' && whyUnwritten(hop) === null ? 'learn' : unknownFault(hop, key);
      case 'changed':
        return changedFault(hop, key, recognition);
      case 'revoked': {
        const at = recognition.line === 0 ? recognition.file : `${recognition.file}:${recognition.line}`;
        const text = `the host key of ${where} (${shown}) is revoked at ${at}; ask the host's administrator`;
        return new Fault('HOST_KEY_REVOKED', text, { detail });
      }
      case 'authority-only': {
        const text = `${where} is trusted only through a certificate authority (${recognition.file}:${recognition.line}), and host certificates are not supported; compare its own key (${shown}), then run \`${trustCommand(hop)}\``;
        return new Fault('HOST_KEY_UNVERIFIABLE', text, { detail });
      }
    }
  } catch (error) {
    return new Fault('KNOWN_HOSTS_UNREADABLE', `the host key of ${where} could not be checked; look at known_hosts`, {
      cause: error,
    });
  }
}

/** Why a new key of this host can be written nowhere, so that ssh would not take it either; null where it can. */
export function whyUnwritten({ host, knownAs }: Hop): string | null {
  if (host.knownHostsTo === null) return 'UserKnownHostsFile names no file to write it to';
  return isRecordable(knownAs) ? null : `the name "${knownAs}" cannot stand in known_hosts`;
}

function unknownFault(hop: Hop, key: Buffer): Fault {
  const [shown, type] = [fingerprint(key), keyType(key)];
  const why = whyUnwritten(hop);
  const todo =
    why === null
      ? `compare the fingerprint, then run \`${trustCommand(hop)}\``
      : `${why}, so compare the fingerprint and write it by hand`;
  const text = `the host key of ${hop.where} (${type} ${shown}) is in no known_hosts file; ${todo}`;
  return new Fault('HOST_KEY_UNKNOWN', text, { detail: { fingerprint: shown, type } });
}
