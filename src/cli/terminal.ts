/** How much may wait for a reader that has stalled, bytes; beyond it lines are left out rather than kept in memory. */
const backlog = 1024 * 1024;

/** The two output streams as the commands see them: nothing that a reader does can crash us. */
export interface Terminal {
  /** Writes to stdout; false: the reader has left, there is no use in going on. */
  out(text: string): boolean;
  /** Writes to stderr. */
  err(text: string): void;
  /** True when a person looks at stdout. */
  readonly live: boolean;
  /** False for NO_COLOR, a dumb terminal and anything that is no terminal. */
  readonly colour: boolean;
  /** Width to keep within. */
  readonly columns: number;
  /** Aborted when the reader of stdout leaves. */
  readonly left: AbortSignal;
}

/** The terminal of this process. Call it once: it attaches the error handlers. */
export function openTerminal(): Terminal {
  const left = new AbortController();
  // EPIPE when `| head` leaves, EIO when the terminal is gone: without a listener either would end the daemon.
  process.stdout.on('error', () => left.abort());
  process.stderr.on('error', () => undefined);
  const live = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  return {
    out: (text) => {
      if (left.signal.aborted) return false;
      if (process.stdout.writableLength < backlog) process.stdout.write(text);
      return true;
    },
    err: (text) => {
      if (process.stderr.writableLength < backlog) process.stderr.write(text);
    },
    live,
    colour: live && (process.env['NO_COLOR'] ?? '') === '',
    get columns() {
      return live ? (process.stdout.columns ?? 80) : 100;
    },
    left: left.signal,
  };
}

/** The colours we use, by what they say. */
export type Tone = 'good' | 'uneasy' | 'bad' | 'quiet' | 'strong';

/** SGR codes, on and off: fixed here, because `styleText` looks at the streams by itself, on some versions of Node. */
const codes: Readonly<Record<Tone, readonly [on: number, off: number]>> = {
  good: [32, 39],
  uneasy: [33, 39],
  bad: [31, 39],
  quiet: [2, 22],
  strong: [1, 22],
};

/** Colours text, if colours are wanted. */
export function paint(text: string, tone: Tone, colour: boolean): string {
  const [on, off] = codes[tone];
  return colour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}
