/** How long a held client goes on waiting, by a clock that can stand still. */
export class Patience {
  readonly #over: (stood: number) => void;
  #left: number;
  #stood = 0;
  #clock: 'runs' | 'stands' | 'rests' = 'rests';
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** At rest at first. `over` is called once, when the clock has run for `time` ms; `stood`: how long it stood still, ms. */
  constructor(time: number, over: (stood: number) => void) {
    this.#left = time;
    this.#over = over;
  }

  /** What is left of it, ms. */
  get left(): number {
    const past = this.#clock === 'runs' ? performance.now() - this.#since : 0;
    return Math.max(0, this.#left - past);
  }

  /** Lets the clock run, or stand still; where no time is left it runs: of `0s` nothing waits. */
  run(wanted: boolean): void {
    this.#turn(wanted || this.#left <= 0 ? 'runs' : 'stands');
  }

  /** It waits for nothing now; when it waits again it goes on with what was left. */
  rest(): void {
    this.#turn('rests');
  }

  #turn(to: 'runs' | 'stands' | 'rests'): void {
    if (to === this.#clock) return;
    const now = performance.now();
    const past = now - this.#since;
    if (this.#clock === 'runs') this.#left -= past;
    if (this.#clock === 'stands') this.#stood += past;
    this.#clock = to;
    this.#since = now;
    clearTimeout(this.#timer);
    if (to === 'runs') this.#timer = setTimeout(() => this.#over(this.#stood), Math.max(0, this.#left));
  }
}
