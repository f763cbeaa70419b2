import type { Arena } from './arena.ts';
import type { SectionResult } from './figure.ts';

/** What a section is handed. */
export interface Bench {
  readonly arena: Arena;
  /** How many interleaved rounds the medians are made of. */
  readonly rounds: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tells who watches what is going on. */
  say(text: string): void;
}

/** One selectable part of the bench. */
export interface Section {
  readonly name: string;
  readonly what: string;
  run(bench: Bench): Promise<SectionResult>;
}
