import { noTries } from './rest.ts';
import type { LaneStep } from './lane-step.ts';
import type { Tries } from './state.ts';

/**
 * A lane whose link has just come up: it carries what it can, while what else it is to lead to is brought over it. `kept`: the forwards that wait
 * for that; null: nothing is to be brought.
 */
export function arrive(
  { attempt, tries }: { readonly attempt: number; readonly tries: Tries },
  kept: readonly number[] | null,
  now: number,
): LaneStep {
  const up = { at: 'up', since: now, attempt, tries, beside: null, vain: [] } as const;
  if (kept === null) return { state: { ...up, backing: null }, effects: [] };
  const backing = { at: 'trying', tries: noTries, fresh: true } as const;
  return { state: { ...up, kept, backing }, effects: [{ do: 'back' }] };
}
