import type { Turnstile } from '../model/turnstile.ts';

/** The turns that one lane's worker asked for, among those of all lanes of its relay. */
export class LaneTurns {
  readonly #turnstile: Turnstile;
  readonly #grant: (request: number) => void;
  readonly #open = new Map<number, (() => void) | null>();

  constructor(turnstile: Turnstile, grant: (request: number) => void) {
    this.#turnstile = turnstile;
    this.#grant = grant;
  }

  ask(request: number): void {
    this.#open.set(request, null);
    this.#turnstile.enter((leave) => {
      // Given up, or its worker is gone.
      if (this.#open.get(request) !== null) return leave();
      this.#open.set(request, leave);
      this.#grant(request);
    });
  }

  over(request: number): void {
    const leave = this.#open.get(request);
    this.#open.delete(request);
    leave?.();
  }

  /** Its worker is gone, and with it all that it did. */
  clear(): void {
    for (const request of [...this.#open.keys()]) this.over(request);
  }
}
