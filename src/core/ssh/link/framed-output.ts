/** So much of what a login shell prints is kept for the user, bytes. */
const mostNoise = 2048;

/** Output of a script whose beginning is marked: what comes before the mark is the noise of rc files, and is never part of it. */
export class FramedOutput {
  readonly #mark: Buffer;
  readonly #most: number;
  readonly #emit: (chunk: Buffer) => void;
  #noise = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #kept: Buffer[] = [];
  #size = 0;
  #begun = false;

  /** `most`: bytes that are kept for the end. */
  constructor(mark: string, most: number, emit: (chunk: Buffer) => void = () => undefined) {
    this.#mark = Buffer.from(`${mark}\n`);
    this.#most = most;
    this.#emit = emit;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** What came before the mark, its beginning at least. */
  get noise(): string {
    return this.#noise.toString('utf8');
  }

  get text(): string {
    return Buffer.concat(this.#kept).toString('utf8');
  }

  take(chunk: Buffer): void {
    if (this.#begun) return this.#pass(chunk);
    const seen = Buffer.concat([this.#tail, chunk]);
    const at = seen.indexOf(this.#mark);
    if (this.#noise.length < mostNoise) this.#noise = Buffer.concat([this.#noise, chunk.subarray(0, mostNoise)]);
    if (at === -1) {
      // The mark may come in two pieces.
      this.#tail = Buffer.from(seen.subarray(Math.max(0, seen.length - this.#mark.length + 1)));
      return;
    }
    this.#begun = true;
    const rest = seen.subarray(at + this.#mark.length);
    if (rest.length > 0) this.#pass(rest);
  }

  #pass(chunk: Buffer): void {
    if (this.#size < this.#most) this.#kept.push(Buffer.from(chunk.subarray(0, this.#most - this.#size)));
    this.#size += chunk.length;
    this.#emit(chunk);
  }
}
