import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * The usual form of an address in any form that inet_aton(3) or inet_pton(3) takes (`127.1`, `0x7f000001`, `::0:1`); null for what
 * is no address.
 */
export function canonicalAddress(text: string): string | null {
  const [plain = '', zone] = text.split('%', 2);
  // Asked last: the pattern behind it takes 5 ms the first time.
  if (plain.includes(':') && isIPv6(plain)) {
    if (zone !== undefined && networkInterfaces()[zone] === undefined && !/^\d+$/.test(zone)) return null;
    const { address } = new SocketAddress({ address: plain, family: 'ipv6' });
    return zone === undefined ? address : `${address}%${zone}`;
  }
  if (isIPv4(text)) return text;
  return parseOldAddress(text);
}

/** True for what ssh takes for an address at first sight, whether it is one or not. */
export function looksLikeAddress(text: string): boolean {
  return /[%:]/.test(text) || /^[\d.]*$/.test(text);
}

/** inet_aton(3): up to four numbers, decimal, octal or hexadecimal, of which the last fills what is left. */
function parseOldAddress(text: string): string | null {
  const words = text.split('.');
  if (words.length > 4 || !words.every((word) => /^(?:0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(word))) return null;
  const numbers = words.map((word) => (/^0[0-7]/.test(word) ? Number.parseInt(word, 8) : Number(word)));
  const last = numbers.pop() ?? 0;
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return null;
  const value = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
