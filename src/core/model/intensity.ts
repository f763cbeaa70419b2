/** A worker may be restarted so often in a period; past that it is left alone for a while. One that lasted is another matter. ms */
export const intensity = { count: 5, period: 60_000, rest: 60_000, lasts: 12_000 };

/** The waits before a worker is started again, ms: none after the first end of a period, for whatever ends it may pass. */
const delays = [0, 100, 250, 500, 1_000];

/** How the last end of a worker is answered. */
export interface Restart {
  /** It ended too often: `budget` by one end too many, `again` by one soon after such a rest. Null: it did not. */
  readonly crashing: 'budget' | 'again' | null;
  /** Until the next one is started, ms. */
  readonly wait: number;
}

/** When the next worker is started in the place of one that ended. */
export class Restarts {
  /** ms of a clock that never jumps. */
  #ends: readonly number[] = [];
  #crashing = false;

  /** One that had lived so long (ms) ended at `now`. After a rest one try is made, not a whole budget of them, until one has lasted. */
  ended(lived: number, now: number): Restart {
    const recent = this.#ends.filter((end) => now - end < intensity.period);
    if (this.#crashing && lived < intensity.lasts) return { crashing: 'again', wait: intensity.rest };
    this.#crashing = recent.length >= intensity.count;
    this.#ends = this.#crashing ? [] : [...recent, now];
    if (this.#crashing) return { crashing: 'budget', wait: intensity.rest };
    return { crashing: null, wait: delays[recent.length] ?? 0 };
  }

  /** The user says that it is another one now: it has the whole budget. */
  forgive(): void {
    this.#ends = [];
    this.#crashing = false;
  }
}
