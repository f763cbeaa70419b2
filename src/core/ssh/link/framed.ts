/** So much of what comes before the mark is kept, bytes: it is shown where the mark never comes. */
const mostNoise = 4_096;

/** One output of a script: what comes before a line with the mark is noise of login shells. */
export class Framed {
  readonly #mark: Buffer;
  readonly #most: number;
  readonly #heard: ((chunk: Buffer) => void) | undefined;
  #before = Buffer.alloc(0);
  #kept: Buffer[] = [];
  #size = 0;
  begun = false;

  /** `most`: bytes that are kept of what comes after it; `heard` gets all of it. */
  constructor(mark: string, most: number, heard?: (chunk: Buffer) => void) {
    this.#mark = Buffer.from(`${mark}\n`);
    this.#most = most;
    this.#heard = heard;
  }

  add(chunk: Buffer): void {
    if (this.begun) return this.#take(chunk);
    const all = Buffer.concat([this.#before, chunk]);
    const at = all.indexOf(this.#mark);
    if (at === -1) {
      // Enough for a mark that came in two pieces, and for the last words.
      this.#before = all.subarray(-mostNoise);
      return;
    }
    this.begun = true;
    this.#before = all.subarray(Math.max(0, at - mostNoise), at);
    const rest = all.subarray(at + this.#mark.length);
    if (rest.length > 0) this.#take(rest);
  }

  get text(): string {
    return Buffer.concat(this.#kept).toString('utf8');
  }

  get noise(): string {
    return this.#before.toString('utf8');
  }

  #take(chunk: Buffer): void {
    this.#heard?.(chunk);
    if (this.#size >= this.#most) return;
    // A chunk is a view into a larger read.
    const piece = Buffer.from(chunk.subarray(0, this.#most - this.#size));
    this.#kept.push(piece);
    this.#size += piece.length;
  }
}
