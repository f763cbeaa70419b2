import { createInterface } from 'node:readline';
import type { Parsed } from '../core/config/problem.ts';
import { paint, type Terminal, type Tone } from './terminal.ts';
import { foldLines } from './wrap-text.ts';

/** What is asked of the person at the terminal. */
export interface Asked<Value> {
  readonly text: string;
  /** Taken for an empty answer; null: there is none. */
  readonly otherwise: string | null;
  readonly read: (answer: string) => Parsed<Value>;
}

/** A talk with the person at the terminal. Every question answers null once they have left it with Ctrl-C or Ctrl-D. */
export interface Dialogue {
  /** Asks until the answer can be read; what is wrong with one is said in a line. */
  ask<Value>(asked: Asked<Value>): Promise<Value | null>;
  /** A yes or no; no for an empty answer, unless `otherwise` is true. */
  confirm(text: string, otherwise?: boolean): Promise<boolean | null>;
  say(text: string): void;
  close(): void;
}

/** Exit code of a command that its user left with Ctrl-C: 128 + SIGINT. */
export const leftCode = 130;

/** True when there is somebody to ask. */
export function canAsk(terminal: Terminal): boolean {
  return process.stdin.isTTY === true && terminal.live;
}

/** Begins a talk; close it, or the process waits for more input. */
export function openDialogue(terminal: Terminal): Dialogue {
  const { colour } = terminal;
  const lines = createInterface({ input: process.stdin, output: process.stdout, historySize: 0 });
  // Answers that are typed or pasted ahead of their question wait here.
  const early: string[] = [];
  let waiting: ((line: string | null) => void) | null = null;
  let left = false;
  const hand = (line: string | null) => {
    const take = waiting;
    waiting = null;
    if (take !== null) take(line);
    else if (line !== null) early.push(line);
  };
  lines.on('line', hand);
  lines.on('SIGINT', () => lines.close());
  lines.on('close', () => {
    left = true;
    hand(null);
  });
  const next = (prompt: string): Promise<string | null> => {
    const line = early.shift();
    if (line === undefined && left) return Promise.resolve(null);
    lines.setPrompt(prompt);
    if (line !== undefined) {
      terminal.out(`${prompt}${line}\n`);
      return Promise.resolve(line);
    }
    lines.prompt();
    return new Promise((resolve) => {
      waiting = resolve;
    });
  };
  const ask = async <Value>({ text, otherwise, read }: Asked<Value>): Promise<Value | null> => {
    const hint = otherwise === null ? '' : ` [${otherwise}]`;
    const question = eachLine(foldLines(text, terminal.room - hint.length - 2), 'strong', colour);
    while (true) {
      const line = await next(`${question}${paint(hint, 'quiet', colour)}: `);
      if (line === null) {
        terminal.out('\n');
        return null;
      }
      const parsed = read(line.trim() === '' && otherwise !== null ? otherwise : line.trim());
      if ('value' in parsed) return parsed.value;
      const trouble = foldLines(`  ${parsed.trouble.message}; expected ${parsed.trouble.expected}`, terminal.room);
      terminal.out(`${eachLine(trouble, 'bad', colour)}\n`);
    }
  };
  return {
    ask,
    confirm: (text, otherwise = false) => ask({ text, otherwise: otherwise ? 'Y/n' : 'y/N', read: readYes(otherwise) }),
    say: (text) => void terminal.out(`${text}\n`),
    close: () => lines.close(),
  };
}

/** Colours that reach over the end of a line would colour what stands to the right of it. */
function eachLine(text: string, tone: Tone, colour: boolean): string {
  return text
    .split('\n')
    .map((line) => paint(line, tone, colour))
    .join('\n');
}

function readYes(otherwise: boolean): (answer: string) => Parsed<boolean> {
  return (answer) => {
    if (answer.includes('/')) return { value: otherwise };
    if (/^y(?:es)?$/i.test(answer)) return { value: true };
    if (/^no?$/i.test(answer)) return { value: false };
    return { trouble: { message: 'that is neither yes nor no', expected: 'y or n' } };
  };
}
