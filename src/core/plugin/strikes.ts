/** After so many failures within so long a time (ms) a plugin is useless: a slip now and then, over months, must not end its relay. */
const limit = { count: 3, period: 3_600_000 };

/** The failures of one plugin. */
export class Strikes {
  #times: readonly number[] = [];
  #out = false;

  /** So many within an hour are too many. */
  static readonly most = limit.count;

  /** Whether there were too many at some time. */
  get out(): boolean {
    return this.#out;
  }

  /** One more, at this time of a clock that never jumps, ms. Returns whether it is the one by which there are too many. */
  add(now: number): boolean {
    if (this.#out) return false;
    this.#times = [...this.#times.filter((at) => now - at < limit.period), now];
    this.#out = this.#times.length >= limit.count;
    return this.#out;
  }
}
