import type { Turnstile } from '../../model/turnstile.ts';

/** One lane's part in the mutex of its relay: what its worker asked for, by number, and what of it is acquired. */
export class LaneMutex {
  readonly #turnstile: Turnstile;
  readonly #acquired: (request: number) => void;
  readonly #releases = new Map<number, (() => void) | null>();

  constructor(turnstile: Turnstile, acquired: (request: number) => void) {
    this.#turnstile = turnstile;
    this.#acquired = acquired;
  }

  acquire(request: number): void {
    this.#releases.set(request, null);
    this.#turnstile.enter((release) => {
      // Given up, or its worker is gone.
      if (this.#releases.get(request) !== null) return release();
      this.#releases.set(request, release);
      this.#acquired(request);
    });
  }

  /** It is over, or not wanted any more. */
  release(request: number): void {
    const release = this.#releases.get(request);
    this.#releases.delete(request);
    release?.();
  }

  /** Its worker is gone, and with it all that it did. */
  clear(): void {
    for (const request of [...this.#releases.keys()]) this.release(request);
  }
}
