import type { RetryClass } from './fault-table.ts';

type Stepped = 'soon' | 'stage' | 'flap' | 'command' | 'busy';

const steps: Readonly<Record<Stepped, readonly number[]>> = {
  soon: [0, 250, 500, 1_000, 1_500],
  // Such a try takes 5 s, and is served at once should the way open meanwhile; the pause after it is not. In the first half minute it is short:
  // one try more in the first minute than with the steps of `soon`.
  stage: [0, 250, 250, 250, 250, 500, 1_000, 1_500, 3_000, 5_000],
  flap: [0, 25, 25, 25, 25, 25, 25, 25, 25, 25, 1_000, 2_000, 5_000, 10_000, 30_000],
  // A refused key costs the way there a login, and OpenSSH 9.8 bans for 15 s of penalties, 5 s each: these never add up to that.
  command: [1_000, 2_000, 5_000, 10_000, 15_000, 30_000],
  busy: [1_000, 5_000, 30_000, 120_000, 300_000],
};

/**
 * The steps of `busy` never add up to more tries in so many ms, a second over ten minutes: fail2ban's default bans at the fifth failure
 * in that time. The steps alone would make six.
 */
export const busyBudget = { most: 4, within: 601_000 };

/** So many logins of one account may be refused within so many ms, a second over an hour, whoever asks for them. */
export const refusedBudget = { most: 3, within: 3_601_000 };

/** The shortest that the jitter makes of a step. */
const shortest = 0.8;

/** After so many closes without a byte, something forwards the port to nobody: slow down. */
const patience = { tries: 30, delay: 15_000 };

/** How long credentials that were refused are left alone: at most 3 refused logins an hour, under every fail2ban default. */
export const refusedDelay = 20 * 60_000;

/**
 * The wait before the next attempt, in ms; null when waiting cannot cure it.
 * `flap` is a link that was lost before it settled. `count` is the number of consecutive failures of that class, from 1. `random`
 * is in [0, 1): the jitter is +-20 %.
 */
export function backoff(retry: RetryClass | 'flap', count: number, random: number, silent: boolean): number | null {
  if (retry === 'refused') return refusedDelay;
  if (!isStepped(retry)) return null;
  const row = steps[retry];
  const base = silent && count > patience.tries ? patience.delay : (row[Math.min(count, row.length) - 1] ?? 0);
  const wait = Math.round(base * (shortest + 0.4 * random));
  return retry === 'busy' ? Math.max(wait, leastWait(count)) : wait;
}

/** How long the fifth try waits at least, so that the first one is `within` ago however short the waits between them were. */
function leastWait(count: number): number {
  if (count !== busyBudget.most) return 0;
  const before = steps.busy.slice(0, busyBudget.most - 1).reduce((sum, step) => sum + step, 0);
  return busyBudget.within - shortest * before;
}

function isStepped(retry: RetryClass | 'flap'): retry is Stepped {
  return retry in steps;
}
