import { parseArgs } from 'node:util';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { Arguments } from './arguments.ts';
import { type Command, globalOptions } from './commands.ts';

/** Parses the words after a command without yargs, which takes 100 ms to load: for commands whose answer is quicker than that. */
export function parseWords(command: Command, words: readonly string[]): Arguments {
  const known = [...command.options, ...(command.configured === true ? globalOptions : [])];
  const options = Object.fromEntries(
    known.map(({ name, alias, value }) => {
      const type = value === undefined ? ('boolean' as const) : ('string' as const);
      const short = name.length === 1 ? name : alias;
      return [name, { type, multiple: true, ...(short === undefined ? {} : { short }) }];
    }),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, strict: true, allowPositionals: true });
    const operands = command.operands ?? [];
    const extra = positionals[operands.length];
    if (extra !== undefined)
      throw new Fault('USAGE', `"${printable(extra)}" is one word too many; see \`towline ${command.name} --help\``);
    return Object.fromEntries([
      ...Object.entries(values).map(([name, given]) => [name, one(given)]),
      ...operands.flatMap(({ name }, index) => (positionals[index] === undefined ? [] : [[name, positionals[index]]])),
    ]);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new Fault(
      'USAGE',
      `${printable(text.replace(/^[A-Z]/, (first) => first.toLowerCase()))}; see \`towline ${command.name} --help\``,
    );
  }
}

/** As yargs hands them out: what was given several times is a list. */
function one(given: unknown): unknown {
  return Array.isArray(given) && given.length === 1 ? given[0] : given;
}
