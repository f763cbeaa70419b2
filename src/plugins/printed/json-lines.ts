import { parseJson } from './json-path.ts';

/** A longer line is left out, characters. */
const longest = 65_536;

/** Finds the lines that are JSON in a text that comes in pieces; other lines are let be. Keeps 65,536 characters. */
export class JsonLines {
  readonly #found: (value: unknown) => void;
  /** What has come of a line; null: it is too long. */
  #line: string | null = '';

  constructor(found: (value: unknown) => void) {
    this.#found = found;
  }

  add(text: string): void {
    const [first = '', ...others] = text.split('\n');
    this.#take(first);
    for (const one of others) {
      this.rest();
      this.#line = '';
      this.#take(one);
    }
  }

  /** Looks at the line that has no end yet. */
  rest(): void {
    if (this.#line === null || !/^\s*[{[]/.test(this.#line)) return;
    const value = parseJson(this.#line);
    if (value !== undefined) this.#found(value);
  }

  #take(text: string): void {
    if (this.#line === null) return;
    this.#line = this.#line.length + text.length > longest ? null : this.#line + text;
  }
}
