import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Seen } from './seen.ts';

/** What a row came to, and what one must know to believe it. */
export interface Measured {
  readonly id: string;
  readonly date: string;
  readonly commit: string;
  /** The load average of the last minute as it began. */
  readonly load: number;
  readonly machine: string;
  readonly programs: string;
  readonly seen: Seen;
}

/** What the fault tests printed of each row, in one run of all of them. */
export interface Proofs {
  readonly date: string;
  readonly commit: string;
  readonly figures: Readonly<Record<string, readonly string[]>>;
}

/** All that was ever measured and not measured again, by row. */
export interface Results {
  readonly rows: Readonly<Record<string, Measured>>;
  readonly proofs?: Proofs;
}

export const noResults: Results = { rows: {} };

/** Takes what was measured in the place of what is known of the same rows; the others stay. Pure. */
export function merge(
  known: Results,
  measured: readonly Measured[],
  proofs: Proofs | undefined = known.proofs,
): Results {
  const rows: Record<string, Measured> = { ...known.rows };
  for (const one of measured) rows[one.id] = one;
  const sorted = Object.fromEntries(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1)));
  return proofs === undefined ? { rows: sorted } : { rows: sorted, proofs };
}

/** The file of the figures beside a page. */
export const resultsFile = (page: string): string => page.replace(/(?:\.md)?$/, '.json');

export function readResults(file: string): Results {
  if (!existsSync(file)) return noResults;
  const results: Results = JSON.parse(readFileSync(file, 'utf8'));
  return results;
}

export function writeResults(file: string, results: Results): void {
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value);
  writeFileSync(file, `${JSON.stringify(results, rounded, 2)}\n`);
}
