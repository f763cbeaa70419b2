import type { Verdict } from './row.ts';
import type { RivalName } from './scene.ts';
import type { Newcomers, OpenFate } from './witness.ts';

/** What was seen of one rival when all met the fault together. */
export interface Met {
  /** ms from the fault until it knew; null: it did not while we looked. */
  readonly noticed: number | null;
  readonly open: OpenFate;
  readonly newcomers: Newcomers;
  /** Where the fault was met several times: what the rest is made of. */
  readonly rounds?: Rounds;
}

/** How several rounds of one fault went. */
export interface Rounds {
  readonly count: number;
  /** In how many the open connection was lost. */
  readonly lost: number;
  /** When somebody was back, in the order of the rounds. */
  readonly backs: readonly (number | null)[];
}

/** What was seen of each rival under one fault. */
export type Seen = Partial<Readonly<Record<RivalName, Met | Verdict>>>;
