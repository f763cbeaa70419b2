import type { Arguments } from './arguments.ts';
import { backendCommand } from './backend-command.ts';
import { editCommands } from './config-commands.ts';
import { daemonCommands } from './daemon-commands.ts';
import { hostCommands } from './host-commands.ts';
import { lookingCommands } from './looking-commands.ts';
import { host, json } from './operands.ts';
import { tokenCommands } from './token-commands.ts';
import type { Terminal } from './terminal.ts';

/** An option of one command. */
export interface OptionText {
  readonly name: string;
  /** Absent: a switch. */
  readonly value?: string;
  readonly alias?: string;
  readonly text: string;
}

/** A word that a command takes; `[RELAY]` may be left out. */
export interface Operand {
  readonly name: 'relay' | 'host' | 'name' | 'new' | 'verb' | 'forward';
  readonly shown: string;
}

/** What a command is told. */
export interface Called {
  readonly given: Arguments;
  readonly terminal: Terminal;
}

/** One command: its words for help, and where it is implemented. It is imported when it is called, not before. */
export interface Command {
  readonly name: string;
  /** The words that follow it. */
  readonly operands?: readonly Operand[];
  /** Parsed without yargs, which takes longer to load than this command takes to answer. */
  readonly quick?: boolean;
  readonly group: 'Daemon' | 'Relays' | 'Backends' | 'Looking' | 'Hosts' | 'Config and shell';
  readonly text: string;
  readonly options: readonly OptionText[];
  /** A sentence for its own page. */
  readonly more?: string;
  /** Whether `--config` and `-F` mean something to it. */
  readonly configured?: boolean;
  /** Answers the exit code; throws a fault otherwise. Null: yargs itself does it. */
  readonly run: ((called: Called) => Promise<number>) | null;
}

/** Every command; those of a group in the order of the manual. */
export const commands: readonly Command[] = [
  ...daemonCommands,
  ...tokenCommands,
  backendCommand,
  ...lookingCommands,
  ...editCommands,
  ...hostCommands,
  {
    name: 'check',
    group: 'Config and shell',
    text: 'say all that is wrong with the config, and lacking here',
    options: [json],
    more: [
      'It reads ssh_config, known_hosts, keys and plugins, tries the addresses to',
      'listen on, and connects to nobody: whether a host answers, has the key that is',
      'known and lets you in, and what listens there, `towline doctor` finds out.',
    ].join('\n'),
    configured: true,
    run: async (called) => (await import('./check.ts')).check(called),
  },
  {
    name: 'explain',
    operands: [host],
    group: 'Config and shell',
    text: 'say what ssh_config makes of a host, and which line of it',
    options: [{ name: 'format', value: 'ssh', text: 'print it as `ssh -G` does' }, json],
    configured: true,
    quick: true,
    run: async (called) => (await import('./explain.ts')).explain(called),
  },
  {
    name: 'schema',
    group: 'Config and shell',
    text: 'print the JSON Schema of the config, for editors',
    options: [],
    run: async (called) => (await import('./schema.ts')).schema(called),
  },
  {
    name: 'completion',
    group: 'Config and shell',
    text: 'print a completion script for bash or zsh',
    options: [],
    more: ['Add its output to your startup file: `towline completion bash >> ~/.bashrc`, or', 'zsh and ~/.zshrc.'].join(
      '\n',
    ),
    run: null,
  },
  {
    name: 'version',
    group: 'Config and shell',
    text: 'print the version',
    options: [],
    run: async (called) => (await import('./version.ts')).version(called),
  },
];

/** The options that stand before or after any command. */
export const globalOptions: readonly OptionText[] = [
  { name: 'config', value: 'FILE', text: 'the config file; searched for unless given' },
  { name: 'F', value: 'FILE', text: 'another ssh_config than ~/.ssh/config, as with ssh' },
];
