import type { Word } from './state.ts';

/** How often a relay was lost and came back since the daemon began. A stop or restart on purpose is no loss, nor is a link that another lane stood in for. */
export interface Recovery {
  /** Since when it is lost, ms since the epoch; null: it is not. */
  readonly lostAt: number | null;
  /** How often it came back. */
  readonly count: number;
  /** When it came back last, ms since the epoch, and how long that had taken, ms; null: never yet. */
  readonly last: { readonly at: number; readonly took: number } | null;
}

export const neverLost: Recovery = { lostAt: null, count: 0, last: null };

/** Whether a relay of this word serves its clients, well or not. */
export function serves(word: Word): boolean {
  return word === 'connected' || word === 'degraded';
}

/** Adds what the word of a relay became. `running`: nobody has stopped it. Pure. */
export function foldRecovery(recovery: Recovery, before: Word, word: Word, running: boolean, at: number): Recovery {
  const { lostAt, count } = recovery;
  if (!running) return lostAt === null ? recovery : { ...recovery, lostAt: null };
  if (serves(word)) {
    if (lostAt === null) return recovery;
    return { lostAt: null, count: count + 1, last: { at, took: Math.max(0, at - lostAt) } };
  }
  return serves(before) ? { ...recovery, lostAt: at } : recovery;
}
