/** Lets so many through at once, the others in order. */
export class Turnstile {
  #free: number;
  readonly #queue: ((leave: () => void) => void)[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  /** Calls `enter` when there is room; it must call `leave` (once or more). */
  enter(enter: (leave: () => void) => void): void {
    this.#queue.push(enter);
    this.#next();
  }

  #next(): void {
    if (this.#free === 0) return;
    const enter = this.#queue.shift();
    if (enter === undefined) return;
    this.#free -= 1;
    let left = false;
    enter(() => {
      if (left) return;
      left = true;
      this.#free += 1;
      this.#next();
    });
    this.#next();
  }
}
