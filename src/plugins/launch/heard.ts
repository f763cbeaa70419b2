import type { Secret } from '../../plugin.ts';
import { type Found, OutputScanner, type ScannedStream } from '../printed/scan.ts';
import type { OutputRules } from '../printed/scan-rules.ts';
import { LastLines } from './last-lines.ts';
import { markOf } from './mark.ts';

/** After so long without a new byte the end of what came is looked at too, ms. */
const pause = 500;

/** What a run was heard to print. Its token and its port are looked for behind the mark only: a motd or a profile may show others (FAULTS T61). */
export class Heard {
  /** Of its command; until that begins, of what came before it, for somebody has to say why it does not. */
  readonly lines: LastLines;
  readonly #scanner: OutputScanner;
  readonly #stream: ScannedStream;
  readonly #mark: Buffer;
  /** The end of what came, in which the mark may have begun; null: it was there. */
  #seam: Buffer | null = Buffer.alloc(0);
  #last: number | null = null;

  constructor(run: string, rules: OutputRules, warn: (text: string) => void) {
    this.lines = new LastLines([rules.hide]);
    this.#mark = Buffer.from(`${markOf(run)}\n`);
    this.#scanner = new OutputScanner(rules, {
      found: ({ token }) => {
        if (token !== null) this.lines.hide(token);
      },
      warn,
    });
    this.#stream = this.#scanner.stream();
  }

  /** What is known from what its command said. */
  get found(): Found {
    return this.#scanner.found;
  }

  /** Whether its command has begun. */
  get begun(): boolean {
    return this.#seam === null;
  }

  /** What is never shown from now on. */
  hide(secret: Secret): void {
    this.lines.hide(secret);
  }

  add(chunk: Buffer): void {
    const words = this.#seam === null ? chunk : this.#begin(this.#seam, chunk);
    this.lines.add(words ?? chunk);
    if (words === null) return;
    this.#stream.add(words);
    this.#last = performance.now();
  }

  /** Call it now and then: a token at the very end may go on in the next piece, and does not where nothing more comes. */
  rest(now: number): void {
    if (this.#last === null || now - this.#last <= pause) return;
    this.#stream.rest();
    this.#last = null;
  }

  /** What comes after the mark; null: it is not there yet. */
  #begin(seam: Buffer, chunk: Buffer): Buffer | null {
    const all = Buffer.concat([seam, chunk]);
    const at = all.indexOf(this.#mark);
    this.#seam = at < 0 ? Buffer.from(all.subarray(1 - this.#mark.length)) : null;
    if (at < 0) return null;
    this.lines.clear();
    return all.subarray(at + this.#mark.length);
  }
}
