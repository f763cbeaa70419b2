import { monotonic } from './clock.ts';

/** Rings once, at a time of `monotonic()`. */
export class Alarm {
  readonly #rung: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(rung: () => void) {
    this.#rung = rung;
  }

  /** In the place of what it was armed for before. */
  arm(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#rung, Math.max(0, at - monotonic()));
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }
}
