import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Question } from '../../model/question.ts';
import { Secret } from '../../model/secret.ts';
import { ownGroup } from '../../ssh/process-group.ts';

/** Where OpenSSH looks for the program unless SSH_ASKPASS names one. */
const standard = '/usr/bin/ssh-askpass';

/** Longest answer that is taken, bytes: what OpenSSH's readpass.c takes. */
const longest = 1_023;

type Environment = Readonly<Record<string, string | undefined>>;

/** ssh(1), SSH_ASKPASS: the program that asks, or null. `attended`: a terminal is there, which comes first unless it is said otherwise. */
export function findAskpass(env: Environment, attended: boolean): string | null {
  const require = (env['SSH_ASKPASS_REQUIRE'] ?? '').toLowerCase();
  const display = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  const program = env['SSH_ASKPASS'] ?? (existsSync(standard) ? standard : '');
  if (program === '' || require === 'never') return null;
  if (require === 'force') return program;
  if (!display) return null;
  return require === 'prefer' || !attended ? program : null;
}

/** Runs askpass programs, one at a time: twenty relays would open twenty windows. */
export class Askpass {
  #last: Promise<unknown> = Promise.resolve();

  /** Has the program ask each prompt in turn; `begun` when it begins. Null when it fails, its user declines, or `signal` ends it. */
  ask(
    program: string,
    question: Question,
    signal: AbortSignal,
    begun: () => void = () => undefined,
  ): Promise<readonly Secret[] | null> {
    const run = () => {
      if (!signal.aborted) begun();
      return runAll(program, question, signal);
    };
    const answers = this.#last.then(run, run).catch(() => null);
    this.#last = answers;
    return answers;
  }
}

async function runAll(program: string, question: Question, signal: AbortSignal): Promise<readonly Secret[] | null> {
  const answers: Secret[] = [];
  for (const { text } of question.prompts) {
    const shown = question.kind === 'keyboard-interactive' ? `(${question.where}) ${text}` : text;
    const answer = await runOnce(program, shown, signal);
    if (answer === null) return null;
    answers.push(answer);
  }
  return answers;
}

function runOnce(program: string, text: string, signal: AbortSignal): Promise<Secret | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    // In a group of its own: what a script started goes with it, and a Ctrl-C in our terminal does not reach it.
    const { child, group } = ownGroup(() =>
      spawn(program, [text], { stdio: ['ignore', 'pipe', 'ignore'], detached: true }),
    );
    let said = Buffer.alloc(0);
    const aborted = () => {
      group?.end();
      reject(signal.reason);
    };
    signal.addEventListener('abort', aborted, { once: true });
    // Where no descriptor is left there are no pipes, and 'error' tells it.
    child.stdout?.on('data', (chunk: Buffer) => {
      if (said.length <= longest) said = Buffer.concat([said, chunk]);
    });
    // There is no such program: as if nobody was there.
    child.once('error', () => resolve(null));
    child.once('close', (code) => {
      signal.removeEventListener('abort', aborted);
      group?.release();
      const [line = ''] = said
        .subarray(0, longest)
        .toString('utf8')
        .split(/[\r\n]/, 1);
      said.fill(0);
      resolve(code === 0 ? new Secret(line) : null);
    });
  });
}
