import { Fault } from '../../model/fault.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import type { Hop } from '../route.ts';

/** The verdict on a host key: null accepts; everything else, also what was not foreseen, is the fault that refuses. */
export function judgeHostKey(hop: Hop, key: Buffer): Fault | null {
  const { host, where } = hop;
  const shown = fingerprint(key);
  try {
    const verdict = hop.knownHosts.verdict(hop.knownAs, hop.knownPort, key);
    switch (verdict.kind) {
      case 'known':
        return null;
      case 'unknown':
        return new Fault(
          'HOST_KEY_UNKNOWN',
          `the host key of ${where} (${shown}) is in no known_hosts file; connect once with \`ssh ${host.alias}\`, compare the fingerprint and accept it`,
          { detail: { fingerprint: shown } },
        );
      case 'changed': {
        const old = verdict.old.map((entry) => `${entry.fingerprint} at ${entry.file}:${entry.line}`).join(', ');
        const name = hop.knownPort === 22 ? hop.knownAs : `[${hop.knownAs}]:${hop.knownPort}`;
        const file = verdict.old[0]?.file ?? '';
        return new Fault(
          'HOST_KEY_CHANGED',
          `the host key of ${where} changed to ${shown}, known is ${old}: someone may be listening in; if you trust the new key, run \`ssh-keygen -R '${name}' -f '${file}'\` and accept it anew`,
          { detail: { fingerprint: shown, known: old } },
        );
      }
      case 'revoked':
        return new Fault(
          'HOST_KEY_REVOKED',
          `the host key of ${where} (${shown}) is marked @revoked at ${verdict.file}:${verdict.line}; ask the host's administrator`,
          { detail: { fingerprint: shown } },
        );
      case 'authority-only':
        return new Fault(
          'HOST_KEY_UNVERIFIABLE',
          `${where} is trusted only through a certificate authority (${verdict.file}:${verdict.line}), and host certificates are not supported; add its own key (${shown}) to known_hosts`,
          { detail: { fingerprint: shown } },
        );
    }
  } catch (error) {
    return new Fault('KNOWN_HOSTS_UNREADABLE', `the host key of ${where} could not be checked; look at known_hosts`, {
      cause: error,
    });
  }
}
