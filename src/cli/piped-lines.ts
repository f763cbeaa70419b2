/** The lines of a standard input that is no terminal, one at a time; null once it has ended. */
export class PipedLines {
  readonly #input: NodeJS.ReadableStream;
  readonly #lines: string[] = [];
  #rest = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(input: NodeJS.ReadableStream) {
    this.#input = input;
    input.setEncoding('utf8');
    input.on('data', (text) => {
      const lines = (this.#rest + String(text)).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines.map((line) => line.replace(/\r$/, '')));
      this.#wake();
    });
    const end = () => {
      // A last line may lack its line feed.
      if (!this.#ended && this.#rest !== '') this.#lines.push(this.#rest);
      this.#ended = true;
      this.#wake();
    };
    input.on('end', end).on('error', end);
  }

  /** The next line; null at the end, or when `signal` is aborted: the line is then for the next one who asks. */
  async next(signal: AbortSignal): Promise<string | null> {
    while (this.#lines.length === 0 && !this.#ended && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal.aborted ? null : (this.#lines.shift() ?? null);
  }

  close(): void {
    this.#input.pause();
  }
}
