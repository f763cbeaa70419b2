/** A timer that fires so much too late was not late: the page was frozen or the machine asleep, and the answer may be next in line. */
const frozen = 1_000;

/** Watches over one connection: asks when it is silent, and says so when nobody answers. */
export class Pulse {
  readonly #every: number;
  readonly #within: number;
  readonly #ping: () => void;
  readonly #dead: (silence: number) => void;
  #heardAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: { every: number; within: number; ping: () => void; dead: (silence: number) => void }) {
    this.#every = options.every;
    this.#within = options.within;
    this.#ping = options.ping;
    this.#dead = options.dead;
    this.#rest(this.#every);
  }

  /** Any sign of life. Cheap: no timer is touched for a message. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** Asks now: after a sleep, or in a page that is shown again, a connection is often dead. */
  ask(): void {
    clearTimeout(this.#timer);
    const asked = performance.now();
    this.#ping();
    this.#await(asked);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #rest(time: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#heardAt + this.#every - performance.now();
      if (left > 0) this.#rest(left);
      else this.ask();
    }, time);
  }

  #await(asked: number): void {
    const due = performance.now() + this.#within;
    this.#timer = setTimeout(() => {
      const now = performance.now();
      if (this.#heardAt >= asked) this.#rest(this.#every);
      else if (now - due > frozen) this.#await(asked);
      else this.#dead(Math.round(now - this.#heardAt));
    }, this.#within);
  }
}
