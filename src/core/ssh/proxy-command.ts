import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { Lines } from '../process/lines.ts';
import { CommandEnd } from './command-end.ts';
import type { Carrier } from './link/carriers.ts';
import { type OwnGroup, ownGroup } from './process-group.ts';
import { errorCode } from '../model/error-code.ts';

/** What running a ProxyCommand needs. */
export interface ProxyCommandOptions {
  /** Expanded and checked (`expandProxyCommand`). */
  readonly command: string;
  /** The host that it leads to, as faults name it. */
  readonly where: string;
  /** The daemon's environment, which the worker's own is not. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line that it wrote to stderr, or that some were left out. */
  readonly onNote: (text: string) => void;
}

/** How long the exit code and the last words of a command are waited for once its output has ended, ms. */
const lastWords = 300;

/** What POSIX shells exit with, here or where an ssh as the command ran one (sh(1), exit status). */
const [notExecutable, notFound] = [126, 127];

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Started {
  readonly child: Child;
  readonly group: OwnGroup | null;
}

/**
 * Runs a ProxyCommand through the user's shell as ssh does (ssh_config(5)): its stdin and stdout are the connection. It gets a session of
 * its own, so that it has no terminal to ask at and ends as a whole with the connection. Throws PROXY_COMMAND_FAILED.
 */
export function runProxyCommand({ command, where, env, onNote }: ProxyCommandOptions): Carrier {
  const shell = env['SHELL'] || '/bin/sh';
  const home = env['HOME'] ?? '/';
  try {
    const { child, group } = ownGroup(() =>
      spawn(shell, ['-c', `exec ${command}`], {
        // A daemon's own folder means nothing to its user.
        cwd: existsSync(home) ? home : '/',
        env: { ...env },
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    );
    if (child.stdout !== undefined) return new CommandStream({ child, group }, shell, where, onNote);
    // No descriptor is left: Node makes no pipes, and tells 'error' a moment later.
    child.once('error', () => undefined);
    throw Object.assign(new Error('no descriptor is left'), { code: 'EMFILE' });
  } catch (error) {
    throw new Fault('PROXY_COMMAND_FAILED', `${cannotRun(where, shell, error)}; see what the system lacks`, {
      cause: error,
    });
  }
}

/** The two pipes of a command as one stream. It ends with an error that says how the command ended, never cleanly. */
class CommandStream extends Duplex implements Carrier {
  readonly #child: Child;
  readonly #where: string;
  readonly #lines: Lines;
  /** Null where there is no process. */
  readonly #group: OwnGroup | null;
  readonly #began = performance.now();
  /** How long it ran, ms; null while it does. */
  #ran: number | null = null;
  /** The end of what it wrote to stderr. */
  #tail = '';
  #written = 0;
  #end: CommandEnd | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor({ child, group }: Started, shell: string, where: string, onNote: (text: string) => void) {
    super();
    this.#child = child;
    this.#where = where;
    this.#group = group;
    this.#lines = new Lines((line, skipped) => {
      const left = skipped === 0 ? '' : ` (${skipped} lines before it were left out)`;
      onNote(`the ProxyCommand of ${where} says: ${line}${left}`);
    });
    const { stdin, stdout, stderr } = child;
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-2_000);
      this.#lines.add(text);
    });
    // A pipe that breaks is the command's end: how it ended is told below.
    stdin.on('error', () => this.#await());
    stdout.on('error', () => this.#await()).on('end', () => this.#await());
    stderr.on('error', () => undefined);
    child.once('error', (error) => {
      const code = errorCode(error);
      this.#over(new CommandEnd(cannotRun(where, shell, error), null, 0, code === 'ENOENT' || code === 'EACCES'));
    });
    child.once('exit', () => {
      this.#ran = performance.now() - this.#began;
    });
    child.once('close', () => this.#over(this.#obituary()));
  }

  get bytesWritten(): number {
    return this.#written + this.writableLength;
  }

  override _read(): void {
    this.#child.stdout.resume();
    if (this.#end !== null) this.#over(this.#end);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    const { stdin } = this.#child;
    const sent = () => {
      for (const { chunk } of chunks) this.#written += chunk.length;
      done();
    };
    stdin.cork();
    for (const { chunk } of chunks.slice(0, -1)) stdin.write(chunk);
    // Called with an error too: the stream is then about to end anyway.
    stdin.write(chunks.at(-1)?.chunk ?? '', sent);
    stdin.uncork();
  }

  override _final(done: () => void): void {
    this.#child.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    const { stdin, stdout, stderr } = this.#child;
    for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
    this.#group?.end();
    done(error);
  }

  /** Its output has ended: it is about to exit, or lives on for nothing. */
  #await(): void {
    this.#timer ??= setTimeout(() => this.#over(this.#obituary()), lastWords);
  }

  /** Ends the stream as soon as all that was received has been read. */
  #over(end: CommandEnd): void {
    this.#end ??= end;
    if (this.readableLength === 0) this.destroy(this.#end);
  }

  #obituary(): CommandEnd {
    this.#lines.end();
    const { exitCode, signalCode } = this.#child;
    const last = printable(this.#tail.trim().split('\n').at(-1) ?? '');
    const said = last === '' ? '' : ` ("${last}")`;
    const text = `the ProxyCommand of ${this.#where} ${manner(exitCode, signalCode)}${said}`;
    const missing = exitCode === notFound || exitCode === notExecutable;
    return new CommandEnd(text, exitCode, this.#ran ?? performance.now() - this.#began, missing);
  }
}

function manner(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `was ended by ${signal}`;
  if (code === null) return 'closed its output';
  const why = code === notFound ? ' (not found)' : code === notExecutable ? ' (not executable)' : '';
  return `ended with exit code ${code}${why}`;
}

function cannotRun(where: string, shell: string, error: unknown): string {
  return `the ProxyCommand of ${where} cannot be run by "${shell}" (${errorCode(error)})`;
}
