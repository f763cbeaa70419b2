import { foldLines } from './wrap-text.ts';

/** How much may wait for a reader that has stalled, bytes; beyond it lines are left out rather than kept in memory. */
const backlog = 1024 * 1024;

/** The two output streams as the commands see them: nothing that a reader does can crash us. */
export interface Terminal {
  /** Writes to stdout; false: the reader has left, there is no use in going on. */
  out(text: string): boolean;
  /** Writes a sentence to stdout, on a line of its own; before a person it is broken between words. */
  say(sentence: string): boolean;
  /** Writes sentences to stderr, lines apart; before a person they are broken between words. */
  err(text: string): void;
  /** True when a person looks at stdout. */
  readonly live: boolean;
  /** False for NO_COLOR, a dumb terminal and anything that is no terminal. */
  readonly colour: boolean;
  /** Width to keep a table within. */
  readonly columns: number;
  /** Width to keep a sentence within: infinite where no person looks at stdout, for programs read lines. */
  readonly room: number;
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
  const room = () => (live ? roomOf(process.stdout) : Number.POSITIVE_INFINITY);
  const stdout = boundedStream(process.stdout, (lines) => stderr(leftOut(lines, 'output')));
  const stderr = boundedStream(process.stderr, (lines) => stderr(leftOut(lines, 'errors')));
  const out = (text: string) => {
    if (left.signal.aborted) return false;
    stdout(text);
    return true;
  };
  return {
    out,
    say: (sentence) => out(`${foldLines(sentence, room())}\n`),
    err: (text) => stderr(foldLines(text, roomOf(process.stderr))),
    live,
    colour: live && (process.env['NO_COLOR'] ?? '') === '',
    get columns() {
      return live ? process.stdout.columns || 80 : 100;
    },
    get room() {
      return room();
    },
    left: left.signal,
  };
}

/** Writes to a stream, as long as its reader keeps up; what was left out meanwhile is counted, and told once the reader goes on. */
function boundedStream(stream: NodeJS.WriteStream, tell: (lines: number) => void): (text: string) => void {
  let missed = 0;
  return (text) => {
    if (stream.writableLength < backlog) {
      stream.write(text);
      return;
    }
    if (missed === 0) {
      stream.once('drain', () => {
        const lines = missed;
        missed = 0;
        tell(lines);
      });
    }
    missed += text.split('\n').length - 1;
  };
}

const leftOut = (lines: number, what: string): string =>
  `towline: ${lines} lines of ${what} were left out while nobody read them; the log has them\n`;

/** A terminal that does not say how wide it is breaks lines by itself. */
function roomOf({ isTTY, columns }: NodeJS.WriteStream): number {
  return isTTY === true && columns > 0 ? columns : Number.POSITIVE_INFINITY;
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
