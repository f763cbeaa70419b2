import { type Command, commands, globalOptions, type OptionText } from './commands.ts';

/** The manual page that `towline --help` prints. */
export function manual(): string {
  const groups = [...new Set(commands.map(({ group }) => group))].map((group) => {
    const rows = commands.filter((command) => command.group === group);
    return section(
      group,
      rows.map((command) => [usageOf(command), command.text]),
    );
  });
  return `${[
    'towline - keeps local ports tied to the machine where the work runs, over SSH',
    section('Usage', [
      ['towline up [--detach]', 'in the folder of a towline.json'],
      ['towline COMMAND [RELAY] [OPTIONS]', '`towline COMMAND --help` says more'],
    ]),
    ...groups,
    section('Options', [
      ...globalOptions.map((option): readonly [string, string] => [formatOption(option), option.text]),
      ['-h, --help', 'this page, or that of a command'],
      ['--version', 'the version'],
    ]),
    section('Examples', [
      ['towline up', 'run here and watch; Ctrl-C ends it'],
      ['towline add dev-box --host devbox', 'a relay to port 8787 of that host'],
      ['towline up --detach', 'run in the background'],
      ['towline status dev-box', 'all that is known of one relay'],
      ['towline logs -f', 'what happened, and what happens'],
      ['towline up --exit-on-failure', 'for scripts: end at the first fault'],
    ]),
    section('Exit codes', exits, 6),
    section('Files', [
      ['./towline.json', 'the config; also .yaml, also in ~/.config/towline'],
      ['~/.local/state/towline/', 'towline.log (5 MiB, and one older) and chosen ports'],
      ['/run/user/UID/towline/', 'the control socket; TOWLINE_RUNTIME_DIR comes first'],
      ['~/.ssh/', 'config, known_hosts, keys and agent, as for ssh'],
    ]),
    section('Environment', [
      ['NO_COLOR', 'no colours'],
      ['TOWLINE_DEBUG=1', 'more in the log, and stack traces'],
    ]),
    'README.md tells the story, `towline schema` lists every option of the config.',
  ].join('\n\n')}\n`;
}

/** sysexits(3), as far as the fault table uses it. */
const exits: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['64', 'the command line is not understood'],
  ['66', 'no relay, or file, has that name'],
  ['68', 'a host name does not resolve'],
  ['69', 'no daemon runs; or a host or target does not answer'],
  ['70', 'a bug in towline or in a plugin'],
  ['73', 'a folder, socket or port cannot be used'],
  ['75', 'a daemon runs already; or the host is left alone for a while'],
  ['76', 'a host key, or the SSH protocol, is not as it must be'],
  ['77', 'not permitted: authentication, policy or a plugin says no'],
  ['78', 'the config cannot be used'],
  ['130', 'given up: Ctrl-C, or a question without an answer'],
];

/** The page that `towline COMMAND --help` prints. */
export function commandManual(command: Command): string {
  const { name, text, options, configured = false, more } = command;
  const given = options.length === 0 ? '' : ' [OPTIONS]';
  const rows = [...options, ...(configured ? globalOptions : [])].map((option): readonly [string, string] => [
    formatOption(option),
    option.text,
  ]);
  return `${[
    `towline ${name} - ${text}`,
    section('Usage', [[`towline ${usageOf(command)}${given}`, '']]),
    ...(rows.length === 0 ? [] : [section('Options', rows)]),
    ...(more === undefined ? [] : [more]),
    '`towline --help` is the whole manual.',
  ].join('\n\n')}\n`;
}

/** A command with the words that follow it. */
function usageOf({ name, operands = [] }: Command): string {
  return [name, ...operands.map(({ shown }) => shown)].join(' ');
}

/** `-n, --lines N` as help shows it. */
function formatOption({ name, alias, value }: OptionText): string {
  const long = name.length === 1 ? `-${name}` : `--${name}`;
  return `${alias === undefined ? '' : `-${alias}, `}${long}${value === undefined ? '' : ` ${value}`}`;
}

/** A titled list of two columns. */
export function section(title: string, rows: readonly (readonly [string, string])[], width?: number): string {
  const wide = width ?? Math.max(18, ...rows.map(([left]) => left.length)) + 2;
  return [`${title}:`, ...rows.map((one) => row(one, wide))].join('\n');
}

function row([left, right]: readonly [string, string], width: number): string {
  return right === '' ? `  ${left}` : `  ${left.padEnd(width)}${right}`;
}
