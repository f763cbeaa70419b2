import { spawn } from 'node:child_process';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';

/** A program of this machine that is run with a secret on its standard input or output, never in its arguments. */
export interface QuietRun {
  readonly command: string;
  readonly words: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** ms; default 10 s. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

/** How it ended. */
export interface QuietEnd {
  readonly code: number | null;
  readonly stdout: string;
  /** What it complained of, escaped and short. */
  readonly stderr: string;
}

/** So much of each stream is kept, bytes; more ends it. */
const most = 64 * 1024;

/** Runs it to its end. Null: there is no such program. Throws TOKEN_MISSING when it takes too long or says too much, and the signal's reason. */
export function runQuietly({
  command,
  words,
  input = '',
  env,
  deadline = 10_000,
  signal,
}: QuietRun): Promise<QuietEnd | null> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A group of its own: what a shell has started ends with it.
    const child = spawn(command, words, { env: { ...(env ?? process.env) }, stdio: 'pipe', detached: true });
    const chunks: Buffer[] = [];
    let size = 0;
    let complaint = '';
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      endGroup(child.pid);
      // Where no descriptor is left there are none, and 'error' tells it.
      for (const stream of child.stdio ?? []) stream?.destroy();
    };
    const fail = (error: unknown) => {
      finish();
      reject(error);
    };
    const aborted = () => fail(signal?.reason);
    const refuse = (what: string) => fail(new Fault('TOKEN_MISSING', `${printable(command)} ${what}; run it by hand`));
    const timer = setTimeout(() => refuse(`gave no answer within ${deadline / 1000} s`), deadline);
    signal?.addEventListener('abort', aborted, { once: true });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return refuse(`cannot be run (${error.code ?? printable(error.message)})`);
      finish();
      resolve(null);
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) return refuse(`printed more than ${most} bytes`);
      chunks.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(0, 4096);
    });
    child.stdin?.on('error', () => undefined); // it may not read
    child.on('close', (code) => {
      finish();
      resolve({ code, stdout: Buffer.concat(chunks).toString('utf8'), stderr: printable(complaint.trim()) });
    });
    child.stdin?.end(input);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
