import type { FaultScene, Rival, Setting } from './scene.ts';

/** What one rival came to under a fault that has a trial of its own. */
export interface Verdict {
  /** For the table. */
  readonly text: string;
  /** How much went wrong: failed, cut, left behind. */
  readonly bad: number;
  /** How long it took, ms; null: time is not the question. */
  readonly took: number | null;
  /** What the largest of who forwards held in memory, MiB. */
  readonly memory?: number;
  /** How often it logged in at a server that lets it in. */
  readonly logins?: number;
}

/**
 * In what towline may be worse than a rival: more clients `failed`, the first one served came `back` later, an `open` connection was lost that
 * lives there, one ended as if it were `whole`, it `took` longer, more `memory`, or more `logins`.
 */
export type Shortfall = 'failed' | 'back' | 'open' | 'whole' | 'took' | 'memory' | 'logins';

interface Common extends Setting {
  /** As in the rows of the fault tests. */
  readonly id: string;
  readonly title: string;
  /** What a user of towline sees. */
  readonly sees: string;
  /** Why towline is worse than a rival, where it is: the page asks for each of these by name, and says so where there is none. */
  readonly why?: Partial<Readonly<Record<Shortfall, string>>>;
}

/** A fault that meets all rivals at once, while clients are joined and others come. */
export interface Meeting extends Common {
  /**
   * It is met so often, each time `phase` ms longer: who is back sooner is otherwise a matter of where in his next try the end of the fault meets
   * each. Default: once.
   */
  readonly rounds?: number;
  /** Makes the fault, which lasts so many ms `longer` than usual; resolves when it is over. */
  make(scene: FaultScene, longer: number): Promise<void>;
}

/** A fault that each rival meets by itself, one after the other, on a scene of its own. */
export interface Trial extends Common {
  /** All on one scene, at the same time: what counts is not how fast this machine is. */
  readonly together?: true;
  /** Done once for a scene, before anybody is tried. */
  spoil?(scene: FaultScene): unknown;
  try(scene: FaultScene, rival: Rival): Promise<Verdict>;
}

/** By so much a round of a fault is longer than the one before it, ms: three of them meet a third each of the 5.25 s in which towline dials into silence. */
export const phase = 1_900;
/** How often a fault is met that keeps everybody out for a while. */
export const often = 3;

export type FaultRow = Meeting | Trial;

export const show = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
