import type { Question } from '../core/model/question.ts';
import { Secret } from '../core/model/secret.ts';
import { PipedLines } from './piped-lines.ts';
import { drawHeader, drawPrompt } from './question-text.ts';
import { Repeats } from './repeats.ts';
import { TypedLines } from './typed-lines.ts';

/** Asks a person, or whatever feeds standard input. */
export interface Prompter {
  /** One answer for each prompt; null: the input has ended, the person will not answer, or `signal` was aborted. */
  ask(relay: string, question: Question, signal: AbortSignal): Promise<readonly Secret[] | null>;
  close(): void;
}

/** Asks on the terminal: prompts go to stderr. Where stdin is none each prompt takes a line of it. Closes the lines that it was given. */
export function openPrompter(typed = new TypedLines()): Prompter {
  const piped = process.stdin.isTTY === true ? null : new PipedLines(process.stdin);
  const repeats = new Repeats();
  return {
    ask: async (relay, question, signal) => {
      process.stderr.write(drawHeader(relay, { ...question, again: repeats.tell(relay, question) }));
      const answers: Secret[] = [];
      for (const prompt of question.prompts) {
        const text = drawPrompt(relay, question, prompt);
        const line =
          piped === null
            ? await typed.read({ prompt: text, echo: prompt.echo, signal })
            : await fromPipe(piped, text, signal);
        if (line === null) return null;
        answers.push(new Secret(line));
      }
      return answers;
    },
    close: () => {
      piped?.close();
      typed.close();
    },
  };
}

async function fromPipe(piped: PipedLines, text: string, signal: AbortSignal): Promise<string | null> {
  process.stderr.write(`${text}\n`);
  return piped.next(signal);
}
