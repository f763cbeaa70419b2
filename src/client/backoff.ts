const first = 500;
const most = 10_000;

/** How long a connection must last for the next wait to begin at the shortest again, ms. */
export const settle = 5_000;

/** The wait after so many failures in a row, from 1, in ms: 500 doubling to 10,000, less up to a quarter so that the tabs of a browser do not come as one. */
export function backoff(failures: number, random: number): number {
  const whole = Math.min(most, first * 2 ** Math.min(failures - 1, 10));
  return Math.round(whole * (1 - random / 4));
}
