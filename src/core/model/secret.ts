const shown = '[secret]';

/** A plugin may bring a copy of towline of its own, whose class is another. */
const mark = Symbol.for('towline.Secret');

/** Text that must not be seen: whatever prints, logs or serialises it gets `[secret]`. It lives in memory only. */
export class Secret {
  readonly #text: string;
  readonly [mark] = true;

  constructor(text: string) {
    this.#text = text;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && mark in value;
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
