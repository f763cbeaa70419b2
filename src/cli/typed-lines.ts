import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { mayAskHere } from './may-ask-here.ts';

/** What one line is asked for. */
export interface TypedQuestion {
  readonly prompt: string;
  /** Whether the answer is shown while it is typed. */
  readonly echo: boolean;
  readonly signal: AbortSignal;
  /** Called at Ctrl-C; unless given the process is sent SIGINT, which in raw mode the terminal does not do. */
  readonly onInterrupt?: () => void;
}

interface Waiting extends TypedQuestion {
  readonly take: (line: string | null) => void;
}

/** Signals by which a process dies without Node putting the terminal right before. */
const abrupt = ['SIGHUP', 'SIGQUIT'] as const;

/**
 * The lines that a person types on this terminal. From the first question until `close` the terminal echoes nothing by itself: what is
 * typed while an answer is looked at may be the next secret. A line that was entered before its question stood there is dropped, as
 * with ssh, for nobody can have meant it for that one.
 */
export class TypedLines {
  readonly #screen = new Screen();
  #input: Interface | null = null;
  #waiting: Waiting | null = null;
  #closed = false;

  /** One line, for one question at a time. Null: Ctrl-D, Ctrl-C, `signal`, or the process is in the background. */
  read(question: TypedQuestion): Promise<string | null> {
    if (question.signal.aborted || this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => {
      const stop = () => this.#answer(null);
      const take = (line: string | null) => {
        question.signal.removeEventListener('abort', stop);
        resolve(line);
      };
      this.#waiting = { ...question, take };
      question.signal.addEventListener('abort', stop, { once: true });
      this.#show();
    });
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#closed = true;
    this.#release();
    this.#answer(null);
  }

  #show(): void {
    if (this.#waiting === null) return;
    this.#input ??= this.#open();
    const { prompt, echo } = this.#waiting;
    const last = prompt.lastIndexOf('\n') + 1;
    // Only now, in raw mode: who sees the prompt may type.
    process.stderr.write(echo ? prompt.slice(0, last) : prompt);
    if (!echo) return;
    this.#screen.open = true;
    this.#input.setPrompt(prompt.slice(last));
    this.#input.prompt(true);
  }

  #open(): Interface {
    // Without a history: what was typed before must not be one arrow key away.
    const input = createInterface({ input: process.stdin, output: this.#screen, terminal: true, historySize: 0 });
    input.on('line', (line) => this.#answer(line));
    input.on('SIGINT', () => this.#interrupt());
    input.on('SIGTSTP', () => this.#suspend());
    input.on('close', () => {
      if (this.#input !== input) return;
      this.#input = null;
      // Ctrl-D ends readline's reading, not ours.
      if (!process.stdin.readableEnded) this.#input = this.#open();
      this.#answer(null);
    });
    for (const signal of abrupt) process.on(signal, this.#die);
    return input;
  }

  #release(): void {
    const input = this.#input;
    this.#input = null;
    input?.close();
    for (const signal of abrupt) process.off(signal, this.#die);
  }

  #answer(line: string | null): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    this.#screen.open = false;
    if (line === null) this.#forget();
    if (line === null || !waiting.echo) process.stderr.write('\n');
    waiting.take(line);
  }

  /** What was typed of an answer that nobody wants is no beginning of another one. */
  #forget(): void {
    this.#input?.write(null, { ctrl: true, name: 'e' });
    this.#input?.write(null, { ctrl: true, name: 'u' });
  }

  #interrupt(): void {
    const onInterrupt = this.#waiting?.onInterrupt;
    // Whoever listens is told first, and so knows why there is no answer.
    if (onInterrupt !== undefined) onInterrupt();
    else if (process.listenerCount('SIGINT') > 0) process.emit('SIGINT', 'SIGINT');
    this.#answer(null);
    if (onInterrupt === undefined && process.listenerCount('SIGINT') === 0) process.kill(process.pid, 'SIGINT');
  }

  /** Ctrl-Z: the shell has the terminal as it was; who goes on in the background leaves it alone, for reading there would stop the process. */
  #suspend(): void {
    this.#screen.open = false;
    this.#release();
    process.kill(process.pid, 'SIGTSTP');
    // Continued by the shell; or never stopped, where there is none to continue it.
    setImmediate(() => {
      if (this.#closed) return;
      if (!mayAskHere()) return this.#answer(null);
      this.#input ??= this.#open();
      this.#show();
    });
  }

  readonly #die = (signal: NodeJS.Signals): void => {
    this.close();
    // Nobody else wants to live on.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
}

/** stderr as readline sees it: what it draws is shown only while `open`. */
class Screen extends Writable {
  open = false;

  /** For lines that are longer than the terminal is wide. */
  get columns(): number | undefined {
    return process.stderr.columns;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.open) process.stderr.write(chunk);
    done();
  }
}
