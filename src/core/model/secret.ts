const shown = '[secret]';

/** Text that must not be seen: whatever prints, logs or serialises it gets `[secret]`. It lives in memory only. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself; called only where it leaves for its one reader. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  /** What `util.inspect` and `console.log` print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown;
  }
}
