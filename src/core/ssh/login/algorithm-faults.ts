import type { NegotiatedAlgorithms } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { type AlgorithmLists, keywords, knownAlgorithms, outdatedOf } from './algorithms.ts';

const whats = { kex: 'key exchanges', hostKeys: 'host key algorithms', ciphers: 'ciphers', macs: 'MACs' } as const;

type List = keyof typeof whats;

/**
 * Every list that the two sides share nothing of, with both sides' names, and all that would help at once; null when there is no such
 * list.
 */
export function mismatchFault(where: string, server: AlgorithmLists, ours: AlgorithmLists): Fault | null {
  const apart = unshared(server, ours).map((list) => {
    // Not algorithms but signs that the server understands an extension (RFC 8308, strict key exchange).
    const offered = server[list].filter((name) => !/^(?:ext-info-|kex-strict-)/.test(name));
    const old = offered.length > 0 && outdatedOf(offered).length === offered.length ? 'outdated ' : '';
    const names = printable(offered.join(', '));
    const text = `only ${old}${whats[list]} (${names}), towline offers ${ours[list].join(', ')}`;
    return { list, names, text, allowed: best(list, server) };
  });
  if (apart.length === 0) return null;
  const lines = apart.flatMap(({ list, allowed }) => (allowed === null ? [] : [`${keywords[list]} +${allowed}`]));
  const hopeless = apart.filter(({ allowed }) => allowed === null).map(({ list }) => whats[list]);
  const them = lines.length === 1 ? 'it' : 'them';
  const allowing = (what: string) =>
    `allow ${what} with ${lines.map((line) => `"${line}"`).join(', ')} for this host in ssh_config`;
  const rest = lines.length === 0 ? '' : `, and ${allowing('the rest')}`;
  const cure =
    hopeless.length === 0
      ? `update its sshd, or ${allowing(them)}`
      : `towline knows none of its ${hopeless.join(' and ')}: update its sshd, or let it offer one of those${rest}`;
  const text = `${where} offers ${apart.map((one) => one.text).join('; ')}; ${cure}`;
  const keyword = apart.map(({ list }) => keywords[list]).join(', ');
  return new Fault('ALGORITHM_MISMATCH', text, {
    detail: { keyword, offered: apart.map(({ names }) => names).join('; ') },
  });
}

function unshared(server: AlgorithmLists, ours: AlgorithmLists): readonly List[] {
  const shared = (list: List) => ours[list].find((name) => server[list].includes(name));
  const lists: readonly List[] = ['kex', 'hostKeys', 'ciphers'];
  // Where no cipher is shared yet, the one that is going to be allowed decides.
  const cipher = shared('ciphers') ?? best('ciphers', server);
  const macs = cipher !== null && hasMac(cipher) ? [] : (['macs'] as const);
  return [...lists, ...macs].filter((list) => shared(list) === undefined);
}

/** The best that towline can be allowed to use, whatever the server prefers; null where ssh2 has none of them. */
function best(list: List, server: AlgorithmLists): string | null {
  return knownAlgorithms[list].find((name) => server[list].includes(name)) ?? null;
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
