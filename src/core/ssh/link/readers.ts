/** What one of many readers may have at least, bytes. */
const least = 8 * 1024;

/** How many read over a link at a time: those that asked for more bytes in this span, or in the one before. */
export class Readers {
  readonly #span: number;
  #now = new Set<object>();
  #before = 0;
  #turned = 0;

  /** `span`: ms. */
  constructor(span: number) {
    this.#span = span;
  }

  /** At least 1: whoever shares something with them is one of them. */
  get count(): number {
    return Math.max(1, this.#before, this.#now.size);
  }

  /** What each may have of so many bytes. */
  part(bytes: number): number {
    return Math.round(Math.max(least, bytes / this.count));
  }

  /** It asks for more bytes at this time, ms. */
  add(reader: object, now: number): void {
    // Where nobody answers nobody looks, and who has gone would be counted for ever.
    this.look(now);
    this.#now.add(reader);
  }

  /** The next span begins where this one is over. */
  look(now: number): void {
    if (now - this.#turned <= this.#span) return;
    this.#turned = now;
    this.#before = this.#now.size;
    this.#now = new Set();
  }
}
