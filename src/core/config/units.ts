import type { Parsed } from './problem.ts';
import { quote } from './problem.ts';

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const bytes: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Digits and a unit of time; JSON Schema shows it to editors. */
export const durationPattern = '^\\d{1,9}(ms|s|m|h)$';
/** Digits and a unit of size. */
export const sizePattern = '^\\d{1,9}(KiB|MiB|GiB)$';

/** Reads `"15s"` as ms; `least` and `most` are written the same way. */
export function parseDuration(text: string, least: string, most: string): Parsed<number> {
  return within(text, 'duration', milliseconds, least, most);
}

/** Reads `"512MiB"` as bytes. */
export function parseSize(text: string, least: string, most: string): Parsed<number> {
  return within(text, 'size', bytes, least, most);
}

function within(
  text: string,
  noun: string,
  units: Readonly<Record<string, number>>,
  least: string,
  most: string,
): Parsed<number> {
  const value = amount(text, units);
  const expected = `a ${noun} from "${least}" to "${most}" (${Object.keys(units).join(', ')})`;
  if (value === null) return { trouble: { message: `${quote(text)} is not a ${noun}`, expected } };
  if (value < (amount(least, units) ?? 0)) return { trouble: { message: `${text} is too small`, expected } };
  if (value > (amount(most, units) ?? 0)) return { trouble: { message: `${text} is too large`, expected } };
  return { value };
}

function amount(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d{1,9})([A-Za-z]{1,3})$/.exec(text);
  const unit = match?.[2] ?? '';
  return match !== null && Object.hasOwn(units, unit) ? Number(match[1]) * (units[unit] ?? 0) : null;
}
