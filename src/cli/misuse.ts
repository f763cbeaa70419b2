import { Fault } from '../core/model/fault.ts';
import { nearest } from '../core/model/nearest.ts';
import { printable } from '../core/model/printable.ts';
import { type Command, globalOptions, type OptionText } from './commands.ts';

/** What is wrong with the words after a command, said better than yargs would; null where nothing is seen. */
export function findMisuse(command: Command, words: readonly string[]): Fault | null {
  const known = [...command.options, ...(command.configured === true ? globalOptions : [])];
  // The option whose value comes next.
  let valued: OptionText | null = null;
  let operands = 0;
  let ended = false;
  for (const word of words) {
    if (valued !== null) {
      if (/^-[^\d]/.test(word)) return lacking(command, valued);
      valued = null;
      continue;
    }
    if (word === '--' && !ended) {
      ended = true;
      continue;
    }
    if (ended && word.startsWith('-')) return tooMany(command, word);
    if (word === '')
      return new Fault('USAGE', `an empty argument means nothing; see \`towline ${command.name} --help\``);
    if (!word.startsWith('-')) operands += 1;
    if (operands > (command.operands?.length ?? 0)) return tooMany(command, word);
    if (!/^-{1,2}[A-Za-z]/.test(word)) continue;
    const names = namesIn(word);
    for (const [at, name] of names.entries()) {
      const option = known.find((one) => one.name === name || one.alias === name);
      if (option === undefined) return unknown(command, word, name, known);
      if (option.value === undefined) continue;
      // The rest of the word is its value, as in -n20.
      valued = at === names.length - 1 && !word.includes('=') ? option : null;
      break;
    }
  }
  return valued === null ? null : lacking(command, valued);
}

function tooMany({ name }: Command, word: string): Fault {
  return new Fault('USAGE', `"${printable(word)}" is one word too many; see \`towline ${name} --help\``);
}

function lacking(command: Command, { name, value }: OptionText): Fault {
  const shown = name.length === 1 ? `-${name}` : `--${name}`;
  return new Fault('USAGE', `${shown} needs a value: ${shown} ${value}; see \`towline ${command.name} --help\``);
}

/** `--name=value` has one name, `-fn` has two. */
function namesIn(word: string): readonly string[] {
  if (word.startsWith('--')) return [word.slice(2).replace(/=.*$/s, '')];
  return [...word.slice(1).replace(/=.*$/s, '')];
}

function unknown(command: Command, word: string, name: string, known: readonly OptionText[]): Fault {
  const near = nearest(
    name,
    known.filter((option) => option.name.length > 1).map((option) => option.name),
  );
  const hint =
    near === null || name.length === 1 ? `see \`towline ${command.name} --help\`` : `did you mean --${near}?`;
  return new Fault('USAGE', `towline ${command.name} has no option ${printable(word.replace(/=.*$/s, ''))}; ${hint}`);
}
