import type { Stage } from '../../model/state.ts';

/** The deadlines of a handshake's stages, one after the other. It stands still while we wait for our own side: that counts for none. */
export class StageClock {
  readonly #late: (stage: Stage, ms: number) => void;
  #stage: Stage = 'greeting';
  #limit = 0;
  #paused = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(late: (stage: Stage, ms: number) => void) {
    this.#late = late;
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** A stage begins; it may take `ms`. */
  enter(stage: Stage, ms: number): void {
    this.#stage = stage;
    this.#limit = ms;
    this.#wind();
  }

  /** Waits for our own side; whatever comes of it, the stage then has its whole time again. */
  async pause<T>(wait: Promise<T>): Promise<T> {
    this.#paused += 1;
    clearTimeout(this.#timer);
    try {
      return await wait;
    } finally {
      this.#paused -= 1;
      this.#wind();
    }
  }

  /** No stage is to come any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#limit = Number.POSITIVE_INFINITY;
  }

  #wind(): void {
    clearTimeout(this.#timer);
    if (this.#paused > 0 || this.#limit === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#late(this.#stage, this.#limit), this.#limit);
  }
}
