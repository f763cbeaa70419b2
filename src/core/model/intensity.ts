/** A worker may be restarted so often in a period; past that it is left alone for a while. */
export const intensity = { count: 5, period: 60_000, rest: 60_000 };

/** The wait before a worker is started again, ms: none after the first end of a period, for whatever ends it may pass. */
export function restartDelay(ends: readonly number[], now: number): number {
  const delays = [0, 100, 250, 500, 1_000];
  return delays[Math.max(0, recent(ends, now) - 1)] ?? 1_000;
}

/** Whether one more end at `now` is one too many; `ends` are the times of the earlier ones, ms. */
export function exceeded(ends: readonly number[], now: number): boolean {
  return recent(ends, now) >= intensity.count;
}

function recent(ends: readonly number[], now: number): number {
  return ends.filter((end) => now - end < intensity.period).length;
}
