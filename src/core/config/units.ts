import { durationUnits, readDuration } from '../model/duration.ts';
import type { Parsed } from './problem.ts';
import { quote } from './problem.ts';

const bytes: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Digits and a unit of size. */
export const sizePattern = '^\\d{1,9}(KiB|MiB|GiB)$';

/** What is measured, and in what. */
interface Measure {
  readonly noun: string;
  readonly units: string;
  readonly read: (text: string) => number | null;
}

const duration: Measure = { noun: 'duration', units: durationUnits, read: readDuration };
const size: Measure = { noun: 'size', units: Object.keys(bytes).join(', '), read: readSize };

/** Reads `"15s"` as ms; `least` and `most` are written the same way. */
export function parseDuration(text: string, least: string, most: string): Parsed<number> {
  return within(text, duration, least, most);
}

/** Reads `"512MiB"` as bytes. */
export function parseSize(text: string, least: string, most: string): Parsed<number> {
  return within(text, size, least, most);
}

function within(text: string, { noun, units, read }: Measure, least: string, most: string): Parsed<number> {
  const value = read(text);
  const expected = `a ${noun} from "${least}" to "${most}" (${units})`;
  if (value === null) return { trouble: { message: `${quote(text)} is not a ${noun}`, expected } };
  if (value < (read(least) ?? 0)) return { trouble: { message: `${text} is too small`, expected } };
  if (value > (read(most) ?? 0)) return { trouble: { message: `${text} is too large`, expected } };
  return { value };
}

function readSize(text: string): number | null {
  const [, digits, unit = ''] = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * (bytes[unit] ?? 0);
}
