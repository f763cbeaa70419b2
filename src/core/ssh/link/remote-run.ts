import { randomBytes } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { RunEnd, RunOptions } from '../../model/remote.ts';
import { quoteForShell } from '../../model/shell-quote.ts';
import { Framed } from './framed.ts';

const defaults = { deadline: 30_000, most: 64 * 1024 };

/** What a script needs of the link that it runs over. */
export interface RunParts {
  readonly client: Client;
  /** The host, as faults name it. */
  readonly where: string;
  readonly onLost: (listener: (fault: Fault) => void) => () => void;
}

/**
 * Runs a script over a session of its own (RFC 4254 section 6.5). The command that the login shell sees is the same for every script and
 * holds no secret; script and input follow on standard input. What is printed before the script begins, by rc files, is left out.
 */
export function remoteRun(parts: RunParts, script: string, options: RunOptions = {}): Promise<RunEnd> {
  const { client, where, onLost } = parts;
  const { stdin = '', deadline = defaults.deadline, signal, most = defaults.most } = options;
  const mark = `towline-${randomBytes(12).toString('hex')}`;
  const text = Buffer.from(`printf '%s\\n' ${mark}; printf '%s\\n' ${mark} >&2\n${script}\n`);
  // dd reads byte by byte: a shell would swallow what is meant for the script.
  const command = `exec sh -c ${quoteForShell(`eval "$(dd bs=1 count=${text.length} 2>/dev/null)"`)}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const started = (error: Error | undefined, channel: ClientChannel) => {
      if (error) return reject(refused(where, printable(error.message)));
      const [out, err] = [new Framed(mark, most, options.onStdout), new Framed(mark, most, options.onStderr)];
      let code: number | null = null;
      let late = false;
      let over = false;
      const cut = (reason: unknown) => {
        settle(() => reject(reason));
        channel.close();
      };
      const timer = setTimeout(() => {
        late = true;
        end();
        channel.close();
      }, deadline);
      const aborted = () => cut(signal?.reason);
      signal?.addEventListener('abort', aborted, { once: true });
      const forget = onLost(cut);
      const settle = (answer: () => void) => {
        over = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        forget();
        answer();
      };
      const end = () => {
        if (!out.begun && !late) return settle(() => reject(refused(where, said(out, err))));
        settle(() => resolve({ code, stdout: out.text, stderr: err.text, late }));
      };
      channel.on('error', () => undefined);
      channel.stderr.on('error', () => undefined);
      channel.on('data', (chunk: Buffer) => out.add(chunk));
      channel.stderr.on('data', (chunk: Buffer) => err.add(chunk));
      channel.on('exit', (status: number | null) => {
        code = status;
      });
      channel.on('close', end);
      channel.write(text);
      feed(channel, stdin, () => over).catch(cut);
    };
    try {
      client.exec(command, started);
    } catch (error) {
      // Not connected any more.
      reject(
        new Fault('LINK_LOST', `the link to ${where} ended before a command could be run there; nothing to do`, {
          cause: error,
        }),
      );
    }
  });
}

async function feed(
  channel: ClientChannel,
  stdin: NonNullable<RunOptions['stdin']>,
  over: () => boolean,
): Promise<void> {
  if (typeof stdin === 'string' || Buffer.isBuffer(stdin)) {
    channel.end(stdin);
    return;
  }
  for await (const piece of stdin) {
    if (over()) return;
    channel.write(piece);
  }
  channel.end();
}

/** The last words of what ran in the script's place. */
function said(out: Framed, err: Framed): string {
  const words = printable(`${out.noise}\n${err.noise}`.trim().split('\n').at(-1)?.trim() ?? '');
  return words === '' ? 'it said nothing' : `it said "${words}"`;
}

function refused(where: string, why: string): Fault {
  const text = `the login shell of ${where} did not run a script (${why}); look at the shell and at ForceCommand there`;
  return new Fault('REMOTE_REFUSED', text);
}
