import { isAbsolute, relative } from 'node:path';
import type { Locator } from './lines.ts';

/** One thing that is wrong in a config file, and where. */
export interface Problem {
  /** Absolute path of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** `relays.db1.forwards[0].listen`; empty for the file itself. */
  readonly path: string;
  /** What is wrong and the value seen, unless its key is named like a secret. */
  readonly message: string;
  readonly expected?: string;
  /** The known key that was probably meant. */
  readonly suggestion?: string;
}

/** Where a value stands in the config: keys and list indexes from the top. */
export type ConfigPath = readonly (string | number)[];

/** A problem before its offset in the text has become a line and a column. */
export interface Complaint {
  readonly at: number;
  readonly path: ConfigPath;
  readonly message: string;
  readonly expected?: string;
  readonly suggestion?: string;
}

/** Why one value is refused, said by a parser that does not know where the value stands. */
export interface Trouble {
  readonly message: string;
  readonly expected: string;
}

/** What such a parser answers. */
export type Parsed<Value> = { readonly value: Value } | { readonly trouble: Trouble };

/** One line for people: `towline.json:14:7 relays.db1.lanes: 9 is too large; expected ...`. Paths under `from` are shown short; null: none is. */
export function formatProblem(problem: Problem, from: string | null = process.cwd()): string {
  const short = from === null ? '' : relative(from, problem.file);
  const file = short === '' || short.startsWith('..') || isAbsolute(short) ? problem.file : short;
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  const expected = problem.expected === undefined ? '' : `; expected ${problem.expected}`;
  const suggestion = problem.suggestion === undefined ? '' : `; did you mean ${problem.suggestion}?`;
  return `${file}:${problem.line}:${problem.column}${path} ${problem.message}${suggestion}${expected}`;
}

/** Turns complaints about a text into problems, in the order of the file. */
export function locate(complaints: readonly Complaint[], where: Locator, file: string): readonly Problem[] {
  const sorted = [...complaints].sort((a, b) => a.at - b.at);
  return sorted.map(({ at, path, ...rest }) => ({ file, ...where(at), path: formatPath(path), ...rest }));
}

/** Writes a path as JavaScript would. */
export function formatPath(path: ConfigPath): string {
  return path.map(formatStep).join('');
}

function formatStep(step: string | number, index: number): string {
  if (typeof step === 'number') return `[${step}]`;
  if (!/^[\w$-]{1,64}$/.test(step)) return `[${quote(step)}]`;
  return index === 0 ? step : `.${step}`;
}

/** Writes foreign text so that no terminal acts on it: quoted, escaped, and cut after 60 characters. */
export function quote(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  return JSON.stringify(cut).replace(/[^\x20-\x7e]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** True for a key whose value must not be repeated: messages go to logs and terminals. */
export function isSecret(step: string | number): boolean {
  return typeof step === 'string' && /token|passw|passphrase|secret|credential|private|api-?key/i.test(step);
}
