/** What comes once or never: who listens hears it when it comes, or at once where it came before. */
export class Once<T> {
  #value: T | null = null;
  readonly #listeners = new Set<(value: T) => void>();

  /** Null: it has not come. */
  get value(): T | null {
    return this.#value;
  }

  /** Returns the unsubscribe. */
  listen(listener: (value: T) => void): () => void {
    if (this.#value !== null) listener(this.#value);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** It has come. */
  tell(value: T): void {
    this.#value = value;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(value);
  }
}
