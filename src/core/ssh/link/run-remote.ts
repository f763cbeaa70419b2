import { randomBytes } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { RunEnd, RunOptions } from '../../model/remote.ts';
import { quoteForShell } from '../../model/shell-quote.ts';
import { FramedOutput } from './framed-output.ts';
import type { Channel, Link } from './link.ts';

const defaults = { deadline: 30_000, most: 64 * 1024 };

/**
 * The one command that login shells see. Each of them understands it, `ps` shows nothing else, and the script follows on standard input:
 * its length in a line, then its bytes. `dd` reads no byte more, so that what is left is the script's own input.
 */
export const remoteCommand = `exec sh -c ${quoteForShell('IFS= read -r n; eval "$(dd bs=1 count="$n" 2>/dev/null)"')}`;

/** Runs a POSIX script over a link; see RemoteHost.run. */
export async function runRemote(link: Link, script: string, options: RunOptions = {}): Promise<RunEnd> {
  const { signal, deadline = defaults.deadline } = options;
  signal?.throwIfAborted();
  const due = performance.now() + deadline;
  const channel = await open(link, deadline, signal);
  return new Promise((resolve, reject) => attend(link, channel, script, due, options, { resolve, reject }));
}

/** Within the deadline too: a server that is busy, or out of sessions, must not have it wait for longer than it may. */
async function open(link: Link, deadline: number, signal: AbortSignal | undefined): Promise<Channel> {
  if (!Number.isFinite(deadline)) return link.exec(remoteCommand, signal);
  const late = new AbortController();
  const timer = setTimeout(() => {
    const text = `${link.facts.remote} did not open a command within ${deadline / 1000} s; look at its load, and at MaxSessions there`;
    late.abort(new Fault('OPEN_TIMEOUT', text));
  }, deadline);
  try {
    return await link.exec(
      remoteCommand,
      AbortSignal.any(signal === undefined ? [late.signal] : [late.signal, signal]),
    );
  } finally {
    clearTimeout(timer);
  }
}

interface Outcome {
  readonly resolve: (end: RunEnd) => void;
  readonly reject: (reason: unknown) => void;
}

function attend(
  link: Link,
  channel: Channel,
  script: string,
  due: number,
  options: RunOptions,
  outcome: Outcome,
): void {
  const { stdin, deadline = defaults.deadline, most = defaults.most, signal } = options;
  const mark = randomBytes(16).toString('hex');
  const out = new FramedOutput(mark, most, options.onStdout);
  const err = new FramedOutput(mark, most, options.onStderr);
  const over = new AbortController();
  let code: number | null = null;
  let late = false;
  const settle = (end: () => void) => {
    if (over.signal.aborted) return;
    over.abort();
    clearTimeout(timer);
    forget();
    signal?.removeEventListener('abort', abort);
    channel.close();
    end();
  };
  const fail = (reason: unknown) => settle(() => outcome.reject(reason));
  const ended = () =>
    settle(() => {
      if (out.begun) outcome.resolve({ code, stdout: out.text, stderr: err.text, late });
      else outcome.reject(refusal(link, `${out.noise}\n${err.noise}`, late ? deadline : null));
    });
  const abort = () => fail(signal?.reason);
  const forget = link.onLost(fail);
  const expire = () => {
    late = true;
    ended();
  };
  const left = Math.max(0, due - performance.now());
  const timer = Number.isFinite(left) ? setTimeout(expire, left) : undefined;
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) return abort();
  channel.on('data', (chunk: Buffer) => {
    const waited = !out.begun;
    contain(() => out.take(chunk), fail);
    // Whoever runs there by ForceCommand, and is not our script, gets no word of what it was to read.
    if (waited && out.begun) feed(link, channel, stdin, over.signal).catch(fail);
  });
  channel.stderr.on('data', (chunk: Buffer) => contain(() => err.take(chunk), fail));
  channel.on('error', () => undefined);
  channel.on('exit', (status: number | null) => {
    code = status;
  });
  channel.on('close', ended);
  // Said back by somebody who only echoes, the mark has no line feed behind it.
  const marked = `printf '%s\\n' ${mark}; printf '%s\\n' ${mark} >&2\n${script}\n`;
  channel.write(`${Buffer.byteLength(marked)}\n${marked}`);
}

/** A listener of ours that throws ends its run, not the process. */
function contain(listen: () => void, fail: (error: unknown) => void): void {
  try {
    listen();
  } catch (error) {
    fail(error);
  }
}

/** Writes the input at the pace of the channel and of the link, whose own backpressure ssh2 ignores. */
async function feed(link: Link, channel: Channel, stdin: RunOptions['stdin'], over: AbortSignal): Promise<void> {
  if (stdin === undefined || typeof stdin === 'string' || Buffer.isBuffer(stdin)) {
    channel.end(stdin ?? '');
    return;
  }
  const ended = new Promise<null>((resolve) => over.addEventListener('abort', () => resolve(null), { once: true }));
  const pieces = stdin[Symbol.asyncIterator]();
  const next = () => Promise.race([pieces.next(), ended]);
  for (let piece = await next(); piece !== null && piece.done !== true; piece = await next()) {
    if (!channel.write(piece.value)) {
      await Promise.race([new Promise<void>((resolve) => channel.once('drain', () => resolve())), ended]);
    }
    link.outlet.gave(piece.value.length);
    if (link.outlet.room <= 0)
      await Promise.race([new Promise<void>((resolve) => link.outlet.onceRoom(resolve)), ended]);
  }
  if (over.aborted) await pieces.return?.();
  else channel.end();
}

function refusal(link: Link, words: string, after: number | null): Fault {
  const said = printable(words.trim().slice(0, 300));
  const when = after === null ? '' : ` within ${after / 1000} s`;
  const what = said === '' ? 'it said nothing' : `it said "${said}"`;
  return new Fault(
    'REMOTE_REFUSED',
    `the login shell of ${link.facts.remote} did not run the probe${when} (${what}); look at the account's shell, and at ForceCommand there`,
  );
}
