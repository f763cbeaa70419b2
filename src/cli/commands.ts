import type { Arguments } from './arguments.ts';
import { editCommands, hostsCommand } from './config-commands.ts';
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

const relay: Operand = { name: 'relay', shown: 'RELAY' };
const maybeRelay: Operand = { name: 'relay', shown: '[RELAY]' };
const host: Operand = { name: 'host', shown: 'HOST' };
const json: OptionText = { name: 'json', text: 'print JSON for programs' };

/** Every command, in the order of the manual. */
export const commands: readonly Command[] = [
  {
    name: 'up',
    group: 'Daemon',
    text: 'start the daemon and every relay; Ctrl-C ends it',
    options: [
      { name: 'detach', alias: 'd', text: 'go on in the background once it has started' },
      { name: 'exit-on-failure', text: 'end with the first fault of any relay, as its exit code' },
      { name: 'json', text: 'write the log to stdout as JSON lines' },
    ],
    configured: true,
    run: async (called) => (await import('./up.ts')).up(called),
  },
  {
    name: 'down',
    group: 'Daemon',
    text: 'end the daemon; open connections may finish first',
    options: [{ name: 'now', text: 'do not wait for open connections' }],
    run: async (called) => (await import('./down.ts')).down(called),
  },
  {
    name: 'start',
    operands: [relay],
    group: 'Relays',
    text: 'start a stopped relay, or try a waiting one at once',
    options: [],
    run: async (called) => (await import('./steer.ts')).steer('start', called),
  },
  {
    name: 'stop',
    operands: [relay],
    group: 'Relays',
    text: 'stop a relay; its open connections may finish',
    options: [],
    run: async (called) => (await import('./steer.ts')).steer('stop', called),
  },
  {
    name: 'restart',
    operands: [relay],
    group: 'Relays',
    text: 'stop a relay, then start it',
    options: [],
    run: async (called) => (await import('./steer.ts')).steer('restart', called),
  },
  {
    name: 'unlock',
    operands: [maybeRelay],
    group: 'Relays',
    text: 'answer what relays wait for: passwords, passphrases, codes',
    options: [{ name: 'for', value: 'TIME', text: 'how long reusable answers are kept, 12h unless given' }],
    more: [
      'Asks on this terminal and hands the answers to the daemon, which keeps them in',
      'memory only and forgets what was wrong. Codes are used once and never kept.',
      'Where standard input is no terminal, each prompt takes a line of it.',
    ].join('\n'),
    run: async (called) => (await import('./unlock.ts')).unlock(called),
  },
  ...tokenCommands,
  {
    name: 'status',
    operands: [maybeRelay],
    group: 'Looking',
    text: 'show every relay, or all that is known of one',
    options: [json, { name: 'watch', alias: 'w', text: 'go on showing it' }],
    run: async (called) => (await import('./status.ts')).status(called),
  },
  {
    name: 'logs',
    operands: [maybeRelay],
    group: 'Looking',
    text: 'show the last lines of the log, also when no daemon runs',
    options: [
      { name: 'follow', alias: 'f', text: 'go on with new lines' },
      { name: 'lines', alias: 'n', value: 'N', text: 'how many, 50 unless given' },
      json,
    ],
    run: async (called) => (await import('./logs.ts')).logs(called),
  },
  {
    name: 'events',
    group: 'Looking',
    text: 'show what happens as it happens',
    options: [json, { name: 'after', value: 'N', text: 'begin after event number N; 0: with all that are kept' }],
    run: async (called) => (await import('./events.ts')).events(called),
  },
  hostsCommand,
  ...editCommands,
  {
    name: 'trust',
    operands: [host],
    group: 'Hosts',
    text: 'show the key of a host, and write it down if you agree',
    options: [
      { name: 'yes', alias: 'y', text: 'agree without being asked' },
      { name: 'fingerprint', value: 'SHA256:...', text: 'agree to this key alone, without being asked' },
      { name: 'F', value: 'FILE', text: 'another ssh_config than ~/.ssh/config, as with ssh' },
      json,
    ],
    more: [
      'HOST is an alias of ssh_config or [user@]host[:port]. Its key is written to',
      'known_hosts. Jump hosts on the way are asked about first; nobody logs in to',
      'HOST itself.',
    ].join('\n'),
    run: async (called) => (await import('./trust.ts')).trust(called),
  },
  {
    name: 'check',
    group: 'Config and shell',
    text: 'say all that is wrong with the config, and lacking here',
    options: [json],
    configured: true,
    run: async (called) => (await import('./check.ts')).check(called),
  },
  {
    name: 'doctor',
    operands: [{ name: 'relay', shown: '[RELAY|HOST]' }],
    group: 'Hosts',
    text: 'go the way of a relay; say what is wrong, what to do',
    options: [json],
    more: [
      'It makes a connection of its own, by the keys and settings of the relay, from',
      'ssh_config to the backend. Without a name it takes each relay of the config.',
    ].join('\n'),
    configured: true,
    run: async (called) => (await import('./doctor.ts')).doctor(called),
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
