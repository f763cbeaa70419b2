import type { FaultScene, Rival } from './scene.ts';

/** What one rival came to under a fault that has a trial of its own. */
export interface Verdict {
  /** For the table. */
  readonly text: string;
  /** How much went wrong: failed, cut, left behind. */
  readonly bad: number;
  /** How long it took, ms; null: time is not the question. */
  readonly took: number | null;
}

interface Common {
  /** As in the rows of the fault tests. */
  readonly id: string;
  readonly title: string;
  /** What a user of towline sees. */
  readonly sees: string;
  /** Lines of sshd_config. */
  readonly config?: readonly string[];
}

/** A fault that meets all rivals at once, while clients are joined and others come. */
export interface Meeting extends Common {
  /** Makes the fault; resolves when it is over. */
  make(scene: FaultScene): Promise<void>;
}

/** A fault that each rival meets by itself, one after the other, on a scene of its own. */
export interface Trial extends Common {
  try(scene: FaultScene, rival: Rival): Promise<Verdict>;
}

export type FaultRow = Meeting | Trial;

export const show = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
