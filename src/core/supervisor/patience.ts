/** How long a held client goes on waiting, by a clock that can stand still. */
export class Patience {
  readonly #over: (stood: number) => void;
  #left: number;
  #stood = 0;
  #running = false;
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** Standing still at first. `over` is called once, when the clock has run for `time` ms; `stood`: how long it stood still, ms. */
  constructor(time: number, over: (stood: number) => void) {
    this.#left = time;
    this.#over = over;
  }

  /** Lets the clock run, or stand still; where no time is left it runs: of `0s` nothing waits. */
  run(wanted: boolean): void {
    const on = wanted || this.#left <= 0;
    if (on === this.#running) return;
    const now = performance.now();
    const past = now - this.#since;
    if (this.#running) this.#left -= past;
    else this.#stood += past;
    this.#running = on;
    this.#since = now;
    clearTimeout(this.#timer);
    if (on) this.#timer = setTimeout(() => this.#over(this.#stood), Math.max(0, this.#left));
  }

  /** It waits no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
