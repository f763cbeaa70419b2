import { printable, printableLength } from '../model/printable.ts';

/** Most lines that are passed on in a second: who writes more fills the log with one thing only. */
const most = 10;

/** Cuts what a process writes into lines, escaped, and passes on so many a second. A line that never ends is cut as well. */
export class Lines {
  readonly #say: (line: string, skipped: number) => void;
  #rest = '';
  #since = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #skipped = 0;

  constructor(say: (line: string, skipped: number) => void) {
    this.#say = say;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    // One more than is shown, so that it shows that it was cut.
    this.#rest = (lines.pop() ?? '').slice(0, printableLength + 1);
    // ssh ends its lines as a terminal in raw mode wants them.
    for (const line of lines) if (line.trim() !== '') this.#pass(printable(line.replace(/\r$/, '')));
  }

  /** No more comes: what stands there without a newline is the last line. */
  end(): void {
    this.add('\n');
  }

  #pass(line: string): void {
    const now = performance.now();
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#passed = 0;
    }
    this.#passed += 1;
    if (this.#passed > most) {
      this.#skipped += 1;
      return;
    }
    this.#say(line, this.#skipped);
    this.#skipped = 0;
  }
}
