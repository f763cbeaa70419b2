import type { Verdict } from './row.ts';
import type { RivalName } from './scene.ts';
import type { Newcomers, OpenFate } from './witness.ts';

/** What was seen of one rival when all met the fault together. */
export interface Met {
  /** ms from the fault until it knew; null: it did not while we looked. */
  readonly noticed: number | null;
  readonly open: OpenFate;
  readonly newcomers: Newcomers;
}

/** What was seen of each rival under one fault. */
export type Seen = Partial<Readonly<Record<RivalName, Met | Verdict>>>;
