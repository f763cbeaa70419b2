import { linkRows } from './link-rows.ts';
import { localRows } from './local-rows.ts';
import { longRows } from './long-rows.ts';
import { nameRows } from './name-rows.ts';
import { policyRows } from './policy-rows.ts';
import type { FaultRow } from './row.ts';
import { sleepRows } from './sleep-rows.ts';

/** Every fault that rivals can be met with, in the order of the catalogue. */
export const allRows: readonly FaultRow[] = [linkRows, nameRows, sleepRows, policyRows, localRows, longRows]
  .flat()
  .sort((a, b) => (a.id < b.id ? -1 : 1));

/** The rows whose names begin as one of these patterns (`F0[1-9]`, `F03$,F07`) wants, or all; `long`: those too that take too long otherwise. */
export function chooseRows(only: string | undefined, long: boolean): readonly FaultRow[] {
  const rows = long ? allRows : allRows.filter((row) => !longRows.includes(row));
  if (only === undefined) return rows;
  const patterns = only.split(',').map((one) => new RegExp(`^(?:${one})`));
  return rows.filter(({ id }) => patterns.some((pattern) => pattern.test(id)));
}
