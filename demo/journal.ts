import { appendFile, open, readFile } from 'node:fs/promises';

/** One line of the journal. */
export interface Line {
  readonly n: number;
  /** Chosen by who wrote it, so that a line that is sent twice is written once. */
  readonly id: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly text: string;
}

/** Lines that survive: each is on the disk before anyone is told of it. */
export class Journal {
  readonly #file: string;
  readonly #lines: Line[];
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: string, lines: Line[]) {
    this.#file = file;
    this.#lines = lines;
  }

  /** Reads the file, or begins a new one. */
  static async open(file: string): Promise<Journal> {
    await appendFile(file, '', { mode: 0o600 });
    const text = await readFile(file, 'utf8');
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
    return new Journal(file, lines);
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Writes one line to the disk, then hands it back; a known id only hands back. Lines are written in the order of the calls. */
  add(id: string, text: string, at: number): Promise<Line> {
    const written = this.#writing.then(() => this.#write(id, text, at));
    // The next line must not fail because this one did; the caller of this one is told.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #write(id: string, text: string, at: number): Promise<Line> {
    const known = this.#lines.find((line) => line.id === id);
    if (known !== undefined) return known;
    const line: Line = { n: this.#lines.length + 1, id, at, text };
    const file = await open(this.#file, 'a', 0o600);
    try {
      await file.appendFile(`${JSON.stringify(line)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    this.#lines.push(line);
    return line;
  }
}
