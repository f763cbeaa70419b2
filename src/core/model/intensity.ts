/** A worker may be restarted so often in a period; past that it is left alone for a while. */
export const intensity = { count: 5, period: 60_000, rest: 60_000 };

/** Whether one more end at `now` is one too many; `ends` are the times of the earlier ones, ms. */
export function exceeded(ends: readonly number[], now: number): boolean {
  return ends.filter((end) => now - end < intensity.period).length >= intensity.count;
}
