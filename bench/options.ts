import { Fault } from '../src/core/model/fault.ts';

/** What the command line asks for. */
export interface Options {
  /** Names of the sections to run, in the order of the bench. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** File to write; null: bench/results.md after a whole run, nothing after a part of it. */
  readonly out: string | null;
}

/** Reads `--only a,b --rounds 3 --out FILE`. Throws USAGE for anything else. */
export function parseOptions(args: readonly string[], sections: readonly string[]): Options {
  let [only, rounds, out]: [readonly string[], number, string | null] = [sections, 5, null];
  const words = args.flatMap((arg) => (arg.startsWith('--') && arg.includes('=') ? split(arg) : [arg]));
  for (let at = 0; at < words.length; at += 2) {
    const [flag, value] = [words[at], words[at + 1]];
    if (value === undefined) throw new Fault('USAGE', `${flag} needs a value; ${usage(sections)}`);
    if (flag === '--only') only = chosen(value.split(','), sections);
    else if (flag === '--rounds') rounds = count(value);
    else if (flag === '--out') out = value;
    else throw new Fault('USAGE', `unknown option ${flag}; ${usage(sections)}`);
  }
  return { only, rounds, out };
}

/** The one line of help. */
export const usage = (sections: readonly string[]): string =>
  `use: npm run bench -- [--only ${sections.join(',')}] [--rounds 5] [--out FILE]`;

const split = (arg: string): string[] => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)];

function chosen(names: readonly string[], sections: readonly string[]): string[] {
  const unknown = names.find((name) => !sections.includes(name));
  if (unknown !== undefined) {
    throw new Fault('USAGE', `unknown section "${unknown}"; the sections are ${sections.join(', ')}`);
  }
  return sections.filter((name) => names.includes(name));
}

function count(value: string): number {
  const rounds = Number(value);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 100) return rounds;
  throw new Fault('USAGE', `--rounds is "${value}"; give a whole number from 1 to 100`);
}
