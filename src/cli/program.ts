import type { Argv } from 'yargs';
import { Fault } from '../core/model/fault.ts';
import { nearest } from '../core/model/nearest.ts';
import { printable } from '../core/model/printable.ts';
import type { Arguments } from './arguments.ts';
import { type Command, commands, globalOptions, type OptionText } from './commands.ts';
import { commandManual, manual } from './manual.ts';
import { findMisuse } from './misuse.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and answers its exit code; throws a fault when it cannot be done. */
export async function runProgram(given: readonly string[], terminal: Terminal): Promise<number> {
  const words = commandFirst(given);
  // The script that yargs prints asks so. yargs would answer after its promise has resolved, when we have left.
  if (words[0] === '--get-yargs-completions') {
    const { complete } = await import('./completion.ts');
    terminal.out(`${(await complete(words.slice(1))).join('\n')}\n`);
    return 0;
  }
  const page = askedPage(words);
  if (page !== null) {
    terminal.out(page);
    return 0;
  }
  if (words[0] === '--version' || words[0] === '-v')
    return (await import('./version.ts')).version({ given: {}, terminal });
  const unknown = unknownCommand(words);
  if (unknown !== null) throw unknown;
  const [first = '', shell] = words;
  if (first === 'completion') chooseShell(shell);
  const command = commands.find(({ name }) => name === first);
  // Only names can stand behind it, and none begins with a dash; yargs would leave them out.
  const end = words.indexOf('--');
  const plain = end === -1 ? words : words.toSpliced(end, 1);
  const misuse = command === undefined || command.run === null ? null : findMisuse(command, words.slice(1));
  if (misuse !== null) throw misuse;
  if (command?.quick === true && command.run !== null) {
    const { parseWords } = await import('./parse-words.ts');
    return command.run({ given: parseWords(command, plain.slice(1)), terminal });
  }
  let code = 0;
  const parser = await createParser(async (command, given) => {
    code = (await command.run?.({ given, terminal })) ?? 0;
  });
  await parser.parseAsync(first === 'completion' ? [first] : [...plain]);
  return code;
}

/** With the options that stand before a command behind it: whether it takes them is asked in one place. */
function commandFirst(words: readonly string[]): readonly string[] {
  let at = 0;
  while (isGlobal(words[at] ?? '')) at += valued.includes(words[at] ?? '') ? 2 : 1;
  const command = commands.find(({ name }) => name === words[at]);
  if (at === 0 || command === undefined || command.run === null) return words;
  return [command.name, ...words.slice(0, at), ...words.slice(at + 1)];
}

const valued: readonly string[] = globalOptions.flatMap((option) =>
  option.value === undefined ? [] : [`-${option.name}`, `--${option.name}`],
);

function isGlobal(word: string): boolean {
  return valued.some((option) => word.startsWith(option));
}

async function createParser(call: (command: Command, given: Arguments) => Promise<void>): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  const parser = yargs()
    .scriptName('towline')
    .parserConfiguration({ 'boolean-negation': false, 'dot-notation': false, 'camel-case-expansion': false })
    .help(false)
    .version(false)
    .exitProcess(false)
    .strict()
    .demandCommand(1, 'name a command')
    // It must throw: after a handler that only prints, yargs calls the command all the same.
    .fail((message: string | null, error: unknown) => {
      if (error instanceof Error && error.name !== 'YError') throw error;
      throw misunderstood(message ?? (error instanceof Error ? error.message : 'the command line is not understood'));
    });
  for (const option of globalOptions) parser.option(option.name, shape(option));
  for (const command of commands.filter(({ run }) => run !== null)) {
    parser.command(
      [command.name, ...(command.operands ?? []).map(({ name }) => `[${name}]`)].join(' '),
      command.text,
      (one) => {
        for (const { name } of command.operands ?? []) one.positional(name, { type: 'string' });
        for (const option of command.options) one.option(option.name, shape(option));
        return one;
      },
      (given) => call(command, given),
    );
  }
  return parser.completion('completion', 'print a completion script');
}

function shape({ text, value, alias }: OptionText) {
  const kind = value === undefined ? ({ type: 'boolean' } as const) : ({ type: 'string', requiresArg: true } as const);
  return { ...kind, describe: text, ...(alias === undefined ? {} : { alias }) };
}

/** The manual page that is asked for; asked before parsing, so that `towline start --help` needs no relay. */
function askedPage(words: readonly string[]): string | null {
  const asked = words.includes('--help') || words.includes('-h') || words[0] === 'help';
  if (!asked) return null;
  const command = commands.find(({ name }) => words.includes(name));
  if (command !== undefined) return commandManual(command);
  const word = words.find((one, index) => !one.startsWith('-') && !(one === 'help' && index === 0));
  if (word !== undefined) throw noCommand(word);
  return manual();
}

/** yargs looks at the environment for whose script to print. */
function chooseShell(word: string | undefined): void {
  const shell = word ?? (process.env['SHELL'] ?? 'bash').replace(/^.*\//, '');
  if (shell !== 'bash' && shell !== 'zsh') {
    throw new Fault('USAGE', `there is no completion script for ${printable(shell)}; name bash or zsh`);
  }
  delete process.env['ZSH_NAME'];
  process.env['SHELL'] = `/bin/${shell}`;
}

/** Asked before yargs, which would guess without naming what it did not find. */
function unknownCommand(words: readonly string[]): Fault | null {
  const [lead = ''] = words;
  if (words.length === 1 && valued.includes(lead))
    return new Fault('USAGE', `${lead} needs a value, and a command behind it; see \`towline --help\``);
  if (lead === '--') return new Fault('USAGE', 'name a command; see `towline --help`');
  // Else the word behind it would be taken for its value, or for what is wrong.
  if (lead.startsWith('-') && !isGlobal(lead)) {
    const text = `towline has no option ${printable(lead.replace(/=.*$/s, ''))}; see \`towline --help\``;
    return new Fault('USAGE', text);
  }
  const word = words.find((one, index) => !one.startsWith('-') && !valued.includes(words[index - 1] ?? ''));
  const names = commands.map(({ name }) => name);
  if (word === undefined || names.includes(word)) return null;
  return noCommand(word);
}

function noCommand(word: string): Fault {
  const near = nearest(
    word,
    commands.map(({ name }) => name),
  );
  const hint = near === null ? 'see `towline --help`' : `did you mean "${near}"?`;
  return new Fault('USAGE', `there is no command "${printable(word)}"; ${hint}`);
}

function misunderstood(message: string): Fault {
  const text = message.split('\n').filter((line) => line.trim() !== '');
  const said = printable(text.join('; ').replace(/^[A-Z]/, (first) => first.toLowerCase()));
  return new Fault('USAGE', `${said}; see \`towline --help\``);
}
