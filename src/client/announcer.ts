import type { Status } from './status.ts';

/** The status of a client, and who hears of each change. */
export class Announcer {
  readonly #first: (status: Status) => void;
  readonly #listeners = new Set<(status: Status) => void>();
  #status: Status = { word: 'connecting', failures: 0, retryAt: null, fault: null };

  /** `first` hears of it before all others. */
  constructor(first: (status: Status) => void) {
    this.#first = first;
  }

  get status(): Status {
    return this.#status;
  }

  /** Returns what ends it. */
  subscribe(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  say(status: Status): void {
    this.#status = status;
    call(this.#first, status);
    for (const listener of [...this.#listeners]) call(listener, status);
  }
}

/** What a listener throws is its own: it is told as the platform tells it, and nothing here stops. */
export function call<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
