import { linkRows } from './link-rows.ts';
import { localRows } from './local-rows.ts';
import { longRows } from './long-rows.ts';
import { policyRows } from './policy-rows.ts';
import type { FaultRow } from './row.ts';

/** Every fault that rivals can be met with, in the order of the page; what takes too long for an ordinary run is asked for by `long`. */
export const allRows: readonly FaultRow[] = [...linkRows, ...policyRows, ...localRows, ...longRows];

/** The rows whose names begin as one of these patterns (`F0[1-9]`, `F03$,F07`) wants; all but the long ones where there is none. */
export function chooseRows(only: string | undefined, long: boolean): readonly FaultRow[] {
  if (only === undefined) return long ? allRows : allRows.filter((row) => !longRows.includes(row));
  const patterns = only.split(',').map((one) => new RegExp(`^(?:${one})`));
  return allRows.filter(({ id }) => patterns.some((pattern) => pattern.test(id)));
}
