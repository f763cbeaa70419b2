import { ChildProcess, fork, type SendHandle } from 'node:child_process';
import { printable } from '../model/printable.ts';
import { guardChannel } from './guarded-channel.ts';
import { Lines } from './lines.ts';
import { endingWords } from './manners.ts';

/** How long the last words of a dead process are waited for, ms: what it started may hold its stderr for ever. */
const lastWords = 200;
/** How long a process without its channel may take to end, ms. */
const farewell = 1_000;
/** So much of what it wrote to stderr is kept, characters: V8 writes a stack of its own behind the reason. */
const keptWords = 8_000;

/** How a forked process is started. */
export interface ForkOptions {
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What Node itself is told. */
  readonly flags: readonly string[];
  /** In a session of its own: what a terminal sends to the whole group is not for it, from its first moment on. It has no terminal either. */
  readonly apart?: boolean;
}

/** What is heard of a forked process. */
export interface ForkedNews {
  /** In the order in which it was said. May throw: then it is garbled. */
  message(message: unknown): void;
  /** It said what cannot be understood, or too much at once: it is to be ended. */
  garbled(cause?: unknown): void;
  /** It has closed its channel, and goes on: it is to be ended. */
  cut(): void;
  /** A line that it wrote to stdout or stderr, escaped; `skipped`: how many were left out before it. */
  said(line: string, skipped: number): void;
  /** For each handle that was sent, in order, whether it came. */
  receipt?(came: boolean): void;
  /** It is gone. Called once. */
  ended(end: ForkedEnd): void;
}

/** How a forked process ended: as the rest of a sentence that begins with it; or the error with which it could not even be started. */
export type ForkedEnd = { readonly how: string; readonly error: null } | { readonly error: Error };

/** One forked process of towline: its messages, what it writes, its end. What it must do, and when it is to end, is up to who forked it. */
export class Forked {
  readonly #child: ChildProcess;
  readonly #news: ForkedNews;
  #said = '';
  #exited = false;
  #over = false;
  #cut: NodeJS.Timeout | undefined;

  /** Never throws: where the system gives no process, `ended` is called later. */
  constructor(entry: string, options: ForkOptions, news: ForkedNews) {
    this.#news = news;
    this.#child = forkEntry(entry, options);
    this.#listen();
    this.#follow();
  }

  /** 0: there is none. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** False: it is gone. `sent` is called when it is with its kernel, or with the reason why not. */
  send(message: object, handle?: SendHandle, sent?: (error: Error | null) => void): boolean {
    if (!this.#child.connected) return false;
    // A failed send means that it is ending: 'close' tells it.
    if (handle === undefined) this.#child.send(message, (error) => sent?.(error));
    else this.#child.send(message, handle, { keepOpen: true }, (error) => sent?.(error));
    return true;
  }

  /** Ends it at once. */
  kill(): void {
    // Of a process that could not be made Node would signal whatever number stands there, 0 and thereby all of this group among them.
    if (this.#child.pid !== undefined) this.#child.kill('SIGKILL');
  }

  #listen(): void {
    const lines = new Lines((line, skipped) => this.#news.said(line, skipped));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.add(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-keptWords);
      lines.add(text);
    });
    const understood = guardChannel(
      this.#child,
      (cause) => this.#news.garbled(cause),
      (came) => this.#news.receipt?.(came),
    );
    this.#child.on('message', (message: unknown) => {
      understood();
      try {
        this.#news.message(message);
      } catch (error) {
        // Our own words are well formed: something else in that process speaks in its name.
        this.#news.garbled(error);
      }
    });
  }

  #follow(): void {
    this.#child.on('error', (error) => {
      // Without a pid there will be no 'exit'.
      if (this.#child.pid === undefined) this.#end({ error });
    });
    this.#child.on('disconnect', () => {
      // At an ordinary end its exit came before, or follows.
      if (!this.#exited) this.#cut = setTimeout(() => this.#news.cut(), farewell);
    });
    // 'close' follows once all that it said on stderr has arrived.
    this.#child.on('exit', (code, signal) => {
      this.#exited = true;
      clearTimeout(this.#cut);
      const gone = () => this.#end({ how: this.#how(code, signal), error: null });
      const late = setTimeout(gone, lastWords);
      this.#child.once('close', () => {
        clearTimeout(late);
        gone();
      });
    });
  }

  #end(end: ForkedEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#news.ended(end);
  }

  #how(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal === null ? `exited with ${code}` : `was killed by ${signal}`;
    const last = printable(lastLine(this.#said));
    return last === '' ? how : `${how} ("${last}")`;
  }
}

/** A process that could not be made tells so as an 'error'; where Node throws instead (ENOMEM among others) it is told in the same way. */
function forkEntry(entry: string, { env, flags, apart = false }: ForkOptions): ChildProcess {
  try {
    return fork(entry, [], { env, execArgv: [...flags], stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: apart });
  } catch (error) {
    const nobody = new ChildProcess();
    process.nextTick(() => nobody.emit('error', error));
    return nobody;
  }
}

/** What ended it, as `keepManners` or V8 says it; else the line of a crash report of Node that names the error, else the last one. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const told = lines.findLast((line) => endingWords.test(line));
  return told ?? lines.find((line) => /^\w*(Error|Fault)\b/.test(line)) ?? lines.at(-1) ?? '';
}
