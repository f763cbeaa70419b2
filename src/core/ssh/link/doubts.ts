/** Who looks after a link whose life is in doubt: makes another one, and holds its clients. */
export interface DoubtListener {
  /** It was asked for a sign of life. `since`: when it was heard last, ms of `performance.now()`. After `patience` ms it is silent. */
  doubted(where: string, since: number, patience: number): void;
  /** It gave one. */
  trusted(): void;
}

/** How long a living server may take to say anything at all, and after that to answer a question, ms; less where the keepalive is quick. */
const patience = { hesitation: 1_000, answer: 2_000 };

/** Tells the doubts of one link's life to who looks after it. */
export class Doubts {
  readonly #where: string;
  readonly #detect: number;
  readonly #listeners = new Set<DoubtListener>();

  /** `where` is the host as faults name it, `detect` the silence after which the link counts as dead, ms. */
  constructor(where: string, detect: number) {
    this.#where = where;
    this.#detect = detect;
  }

  /** Whether anybody looks after it. */
  get heeded(): boolean {
    return this.#listeners.size > 0;
  }

  /** How long a channel open may stay without a byte, ms. Far away is not silent: `trip` is how long the last answer took. */
  hesitation(trip: number): number {
    return Math.max(Math.min(patience.hesitation, this.#detect / 4), 3 * trip);
  }

  /** `since`: of the doubt that there is already; null: none. Returns the unsubscribe. */
  listen(listener: DoubtListener, since: number | null): () => void {
    this.#listeners.add(listener);
    if (since !== null) this.#tell(listener, since);
    return () => this.#listeners.delete(listener);
  }

  readonly doubted = (since: number): void => {
    for (const one of [...this.#listeners]) this.#tell(one, since);
  };

  readonly trusted = (): void => {
    for (const one of [...this.#listeners]) one.trusted();
  };

  #tell(listener: DoubtListener, since: number): void {
    listener.doubted(this.#where, since, Math.min(patience.answer, this.#detect / 4));
  }
}
