import type { NegotiatedAlgorithms } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { type AlgorithmLists, keywords, knownAlgorithms, outdatedOf } from './algorithms.ts';

const whats = { kex: 'key exchanges', hostKeys: 'host key algorithms', ciphers: 'ciphers', macs: 'MACs' } as const;

/** Which list the two sides share nothing of, with both sides' names and what would help; null when there is no such list. */
export function mismatchFault(where: string, server: AlgorithmLists, ours: AlgorithmLists): Fault | null {
  const list = unshared(server, ours);
  if (list === null) return null;
  const [what, keyword] = [whats[list], keywords[list]];
  // Not algorithms but signs that the server understands an extension (RFC 8308, strict key exchange).
  const offered = server[list].filter((name) => !/^(?:ext-info-|kex-strict-)/.test(name));
  // The best first, whatever the server prefers.
  const allowable = knownAlgorithms[list].filter((name) => offered.includes(name));
  const names = printable(offered.join(', '));
  const old = offered.length > 0 && outdatedOf(offered).length === offered.length ? 'outdated ' : '';
  const cure =
    allowable.length === 0
      ? 'towline knows none of them: update its sshd, or let it offer one of those'
      : `update its sshd, or allow it with "${keyword} +${allowable[0]}" for this host in ssh_config`;
  const text = `${where} offers only ${old}${what} (${names}), towline offers ${ours[list].join(', ')}; ${cure}`;
  return new Fault('ALGORITHM_MISMATCH', text, { detail: { keyword, offered: names } });
}

function unshared(server: AlgorithmLists, ours: AlgorithmLists): keyof typeof whats | null {
  const shared = (list: keyof typeof whats) => ours[list].find((name) => server[list].includes(name));
  for (const list of ['kex', 'hostKeys', 'ciphers'] as const) if (shared(list) === undefined) return list;
  return hasMac(shared('ciphers') ?? '') || shared('macs') !== undefined ? null : 'macs';
}

/** Whether a cipher checks integrity by itself (RFC 5647). */
function hasMac(cipher: string): boolean {
  return cipher.startsWith('chacha20-') || cipher.includes('-gcm');
}

/**
 * Refuses what was negotiated where an attacker on the way could cut off the first messages unseen (CVE-2023-48795): chacha20, or CBC
 * with encrypt-then-MAC, without strict key exchange.
 */
export function terrapinFault(where: string, agreed: NegotiatedAlgorithms, strict: boolean): Fault | null {
  const bad = [agreed.cs, agreed.sc].find(
    ({ cipher, mac }) => cipher.startsWith('chacha20-') || (cipher.endsWith('-cbc') && mac.includes('-etm@')),
  );
  if (strict || bad === undefined) return null;
  const text = `${where} negotiated ${bad.cipher} without strict key exchange (Terrapin, CVE-2023-48795): messages could be cut off on the way; update its sshd, or let it offer aes128-gcm@openssh.com`;
  return new Fault('STRICT_KEX_MISSING', text, { detail: { cipher: bad.cipher } });
}

/** What a user should know of the algorithms that were agreed on; null when all is well. */
export function agreedNote(where: string, agreed: NegotiatedAlgorithms, strict: boolean): string | null {
  const { kex, serverHostKey, cs, sc } = agreed;
  const old = [...new Set(outdatedOf([kex, serverHostKey, cs.cipher, sc.cipher, cs.mac, sc.mac]))];
  if (old.length > 0)
    return `${where} uses outdated algorithms that ssh_config allows (${old.join(', ')}); update its sshd`;
  if (!strict) return `${where} lacks strict key exchange (Terrapin, CVE-2023-48795), which ${cs.cipher} does not need`;
  return null;
}
