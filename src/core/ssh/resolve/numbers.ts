import { readFileSync } from 'node:fs';

/** The largest `int` of C. */
export const intMax = 2_147_483_647;

/** A whole number as strtonum(3) reads it, within bounds; null for anything else. */
export function parseWhole(text: string, least: number, most: number): number | null {
  if (!/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

/** A port, or a service's name from services(5) as OpenSSH 9 takes it; null for anything else. */
export function parsePort(text: string): number | null {
  return parseWhole(text, 0, 65_535) ?? servicePort(text);
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds of a time such as `90` or `1h30m` (sshd_config(5), TIME FORMATS); null for anything else. */
export function parseSeconds(text: string): number | null {
  if (!/^(?:[ \t\n\v\f\r]*\+?\d+[smhdw]?)+$/i.test(text)) return null;
  let total = 0;
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+)([smhdw]?)/gi)) {
    total += Number(digits) * (units[unit.toLowerCase() || 's'] ?? 1);
    if (total > intMax) return null;
  }
  return total;
}

const scales = 'BKMGTPE';

/** Bytes of a size such as `1G` or `1.5M`; null for anything else. */
export function parseSize(text: string): bigint | null {
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d*)(?:\.(\d*))?(?:([BKMGTPE])(?![A-Za-z0-9]).*)?$/is.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = '', unit] = match;
  const scale = unit === undefined ? 1n : 1024n ** BigInt(scales.indexOf(unit.toUpperCase()));
  const digits = fraction.slice(0, 19);
  const part = unit === undefined ? 0n : (BigInt(digits || '0') * scale) / 10n ** BigInt(digits.length);
  const size = BigInt(whole || '0') * scale + part;
  if (size >= 2n ** 63n) return null;
  return sign === '-' ? -size : size;
}

/** A number as strtol(3) reads it with base 0 (`0x10`, `010`, `8`), whole; null for anything else. */
export function parseAnyBase(text: string, least: number, most: number): number | null {
  const match = /^[ \t\n\v\f\r]*([+-]?)(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9]\d*))$/i.exec(text);
  if (match === null) return null;
  const [, sign, hex, octal, decimal] = match;
  const size = Number.parseInt(hex ?? octal ?? decimal ?? '', hex !== undefined ? 16 : octal !== undefined ? 8 : 10);
  const value = sign === '-' ? -size : size;
  return value >= least && value <= most ? value : null;
}

function servicePort(name: string): number | null {
  try {
    for (const line of readFileSync('/etc/services', 'utf8').split('\n')) {
      const [first, at = '', ...aliases] = line.replace(/#.*$/, '').trim().split(/\s+/);
      const [port, protocol] = at.split('/');
      if (protocol === 'tcp' && (first === name || aliases.includes(name))) return Number(port);
    }
  } catch {
    // A machine without services(5) knows none by name.
  }
  return null;
}
