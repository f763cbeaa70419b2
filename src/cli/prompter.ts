import { readFileSync } from 'node:fs';
import type { Question } from '../core/model/question.ts';
import { Secret } from '../core/model/secret.ts';
import { PipedLines } from './piped-lines.ts';
import { drawHeader, drawPrompt } from './question-text.ts';
import { Repeats } from './repeats.ts';
import { readTyped } from './typed-line.ts';

/** Asks a person, or whatever feeds standard input. */
export interface Prompter {
  /** One answer for each prompt; null: the input has ended, the person will not answer, or `signal` was aborted. */
  ask(relay: string, question: Question, signal: AbortSignal): Promise<readonly Secret[] | null>;
  close(): void;
}

/** Asks on the terminal: prompts go to stderr. Where stdin is none each prompt takes a line of it. */
export function openPrompter(): Prompter {
  const piped = process.stdin.isTTY === true ? null : new PipedLines(process.stdin);
  const repeats = new Repeats();
  return {
    ask: async (relay, question, signal) => {
      process.stderr.write(drawHeader(relay, { ...question, again: repeats.tell(relay, question) }));
      const answers: Secret[] = [];
      for (const prompt of question.prompts) {
        const text = drawPrompt(relay, question, prompt);
        const line = piped === null ? await readTyped(text, prompt.echo, signal) : await fromPipe(piped, text, signal);
        if (line === null) return null;
        answers.push(new Secret(line));
      }
      return answers;
    },
    close: () => piped?.close(),
  };
}

async function fromPipe(piped: PipedLines, text: string, signal: AbortSignal): Promise<string | null> {
  process.stderr.write(`${text}\n`);
  return piped.next(signal);
}

/** Whether a person sits before this process: both ends are a terminal, and we are not in its background, where reading would stop us. */
export function mayAskHere(): boolean {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return false;
  try {
    // proc(5): after the name in parentheses stand state, parent, group, session, terminal and the terminal's foreground group.
    const fields = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[2] === fields[5];
  } catch {
    // Only Linux says so.
    return true;
  }
}
