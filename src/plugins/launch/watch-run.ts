import { Fault, type RemoteHost, type Secret } from '../../plugin.ts';
import type { LaunchOptions } from './options.ts';
import { markOf } from './mark.ts';
import type { RunRecord } from './run-record.ts';
import { follow } from './scripts/follow.ts';
import { withVariables } from './sh.ts';
import { Wait } from './wait.ts';

/** A backend that is ready. */
export interface Ready {
  readonly host: string;
  readonly port: number;
  /** Its token; null: it has none; undefined: nobody knows. */
  readonly token: Secret | null | undefined;
  readonly pid: number;
  /** Seconds since 1970. */
  readonly started: number;
}

export interface WatchOptions {
  readonly name: string;
  readonly options: LaunchOptions;
  readonly record: RunRecord;
  /** What it was given, or an earlier link found out; undefined: nothing yet. */
  readonly token: Secret | null | undefined;
  /** ms that are left. */
  readonly time: number;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Watches a run until it is ready: it listens, by a process of its own, and its token is known. Throws what there is to say otherwise. */
export function watchRun(host: RemoteHost, options: WatchOptions): Promise<Ready> {
  const { record, time, signal } = options;
  const wait = new Wait(host, options);
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const settle = (end: () => void) => {
      if (over.signal.aborted) return;
      over.abort(new Error('seen enough'));
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      end();
    };
    const fail = (error: unknown) => settle(() => reject(error));
    const expire = () => settle(() => wait.late().then(reject, reject));
    const abort = () => {
      const why: unknown = signal.reason;
      // The deadline of the hook is told by what was seen so far.
      if (why instanceof Fault && why.code === 'LAUNCH_TIMEOUT') expire();
      else fail(why);
    };
    const timer = setTimeout(expire, time);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) return abort();
    const see = (lines: readonly string[]) => {
      if (over.signal.aborted) return;
      wait.see(lines).then((ready) => {
        if (ready !== null) settle(() => resolve(ready));
      }, fail);
    };
    const variables = {
      dir: record.dir,
      run: record.run,
      mark: markOf(record.run),
      from: record.adopted && record.port !== null ? 'end' : 'start',
      seconds: String(Math.ceil(time / 1000) + 5),
    };
    host
      .run(withVariables(variables, follow), {
        deadline: time + 10_000,
        most: 1024,
        signal: over.signal,
        onStdout: (chunk) => wait.hear(chunk),
        onStderr: blocks(see),
      })
      .then(expire, fail);
  });
}

/** Cuts control lines into looks; a dot ends one. */
function blocks(see: (lines: readonly string[]) => void): (chunk: Buffer) => void {
  let rest = '';
  const lines: string[] = [];
  return (chunk) => {
    const parts = `${rest}${chunk.toString('utf8')}`.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      if (line !== '.') lines.push(line);
      else see(lines.splice(0));
    }
  };
}
