/** What consecutive probe results amount to. */
export interface Verdict {
  readonly healthy: boolean | null;
  /** Consecutive results that disagree with `healthy`. */
  readonly against: number;
}

export const noVerdict: Verdict = { healthy: null, against: 0 };

/** Counts one result: `rise` good ones in a row make it healthy, `fall` bad ones unhealthy; a bad one decides at once where it is the very first. */
export function judge(verdict: Verdict, good: boolean, rise: number, fall: number): Verdict {
  if (verdict.healthy === null && (!good || rise <= verdict.against + 1)) return { healthy: good, against: 0 };
  if (verdict.healthy === null) return { healthy: null, against: verdict.against + 1 };
  if (good === verdict.healthy) return { healthy: good, against: 0 };
  const against = verdict.against + 1;
  return against >= (good ? rise : fall) ? { healthy: good, against: 0 } : { healthy: verdict.healthy, against };
}
