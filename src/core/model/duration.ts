const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Digits and a unit of time; JSON Schema shows it to editors. */
export const durationPattern = '^\\d{1,9}(ms|s|m|h)$';

/** The units of a duration, for sentences that say what was expected. */
export const durationUnits = Object.keys(milliseconds).join(', ');

/** Reads a duration as a config has it, such as `"15s"`, `"300ms"`, `"2m"` or `"1h"`, in ms; null: it is none. */
export function readDuration(text: string): number | null {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * (milliseconds[unit] ?? 0);
}
