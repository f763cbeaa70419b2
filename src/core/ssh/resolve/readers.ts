import { type AlgorithmFamily, isGssKex, unknownAlgorithm } from './algorithm-names.ts';
import type { Choices } from './choices.ts';
import { lineFault } from './config-fault.ts';
import type { ConfigLine } from './config-line.ts';
import { intMax, parsePort, parseSeconds, parseWhole } from './numbers.ts';

/** One value that a line sets, in the words in which `ssh -G` prints it. */
export interface Part {
  /** The keyword under which it is kept. */
  readonly keyword: string;
  readonly values: readonly string[];
}

/** Checks a line's arguments, as ssh does even where the line does not apply. Throws SSH_CONFIG_INVALID. */
export type Reader = (line: ConfigLine, keyword: string) => readonly Part[];

/** One value under one keyword. */
export const part = (keyword: string, ...values: readonly string[]): readonly Part[] => [{ keyword, values }];

/** The only argument of a line. */
export function only(line: ConfigLine): string {
  const arg = required(line, 0);
  noMore(line, 1);
  return arg;
}

/** An argument that must be there. */
export function required(line: ConfigLine, index: number): string {
  const arg = line.args[index];
  if (arg === undefined || arg === '') throw lineFault(line, 'lacks its argument; add it');
  return arg;
}

/** Refuses arguments after the first `most`. */
export function noMore(line: ConfigLine, most: number): void {
  const extra = line.args[most];
  if (extra !== undefined) throw lineFault(line, `has an argument too many ("${extra}"); quote it or remove it`);
}

export const text: Reader = (line, keyword) => part(keyword, only(line));

/** The rest of the line: a command for a shell. */
export const command: Reader = (line, keyword) => part(keyword, line.rest.replace(/^[ \t\r\n=]+/, ''));

/** Takes any arguments and says nothing of them. */
export const anything: Reader = () => [];

export function choice(choices: Choices): Reader {
  return (line, keyword) => part(keyword, choose(line, only(line), choices));
}

function choose(line: ConfigLine, arg: string, choices: Choices): string {
  const key = arg.toLowerCase();
  const found = Object.hasOwn(choices, key) ? choices[key] : undefined;
  if (found !== undefined) return found;
  throw lineFault(line, `is ${JSON.stringify(arg)}; write ${Object.keys(choices).join(', ')}`);
}

export const whole: Reader = (line, keyword) => {
  const arg = only(line);
  const value = parseWhole(arg, 0, intMax);
  if (value === null) throw lineFault(line, `is ${JSON.stringify(arg)}; write a number from 0 to ${intMax}`);
  return part(keyword, String(value));
};

export const port: Reader = (line, keyword) => {
  const arg = only(line);
  const value = parsePort(arg);
  if (value === null || value === 0) throw lineFault(line, `is ${JSON.stringify(arg)}; write a number from 1 to 65535`);
  return part(keyword, String(value));
};

/** Seconds; "none" leaves the keyword unset, so that a later one may set it. */
export const time: Reader = (line, keyword) => {
  const arg = only(line);
  return arg === 'none' ? [] : part(keyword, String(seconds(line, arg)));
};

/** A time in seconds. */
export function seconds(line: ConfigLine, arg: string): number {
  const value = parseSeconds(arg);
  if (value === null) throw lineFault(line, `is ${JSON.stringify(arg)}; write a time such as 30 or 1m30s`);
  return value;
}

/** Several arguments of which the word "none" stands alone; `most` of them count. */
export function list(most: number, check: (line: ConfigLine, arg: string) => string = (_, arg) => arg): Reader {
  return (line, keyword) => {
    checkAlone(line, ['none']);
    if (line.args.includes('')) throw lineFault(line, 'has an empty argument; remove it');
    if (line.args.length > most) throw lineFault(line, `has more than ${most} entries; remove some`);
    return line.args.length === 0 ? [] : part(keyword, ...line.args.map((arg) => check(line, arg)));
  };
}

/** Refuses words such as "none" beside others. */
export function checkAlone(line: ConfigLine, words: readonly string[]): void {
  if (line.args.length > 1 && line.args.some((arg) => words.includes(arg.toLowerCase()))) {
    throw lineFault(line, `takes "${words.join('" or "')}" only alone; remove it`);
  }
}

export function algorithms(family: AlgorithmFamily): Reader {
  return (line, keyword) => {
    const arg = only(line);
    const unknown = unknownAlgorithm(arg, family);
    if (unknown !== null) throw lineFault(line, `names "${unknown}", which no OpenSSH knows; correct or remove it`);
    return part(keyword, arg);
  };
}

export const gssKex: Reader = (line, keyword) => {
  const arg = only(line);
  const unknown = arg.split(',').find((name) => name !== '' && !isGssKex(name));
  if (unknown !== undefined) throw lineFault(line, `names "${unknown}", which is no GSSAPI key exchange; correct it`);
  return part(keyword, arg);
};
