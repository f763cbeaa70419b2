import type { Command } from './commands.ts';
import { relay } from './operands.ts';

/** The commands that write the config. */
export const editCommands: readonly Command[] = [
  {
    name: 'add',
    operands: [{ name: 'name', shown: '[NAME]' }],
    group: 'Config and shell',
    text: 'write a relay into the config; asks for what is not said',
    options: [
      { name: 'host', value: 'HOST', text: 'an alias of ssh_config, or [user@]host[:port]' },
      { name: 'port', value: 'PORT', text: 'port of the backend there, 8787 unless given' },
      {
        name: 'listen',
        value: 'WHERE',
        text: 'where clients connect: port, address:port, unix:/path',
      },
      { name: 'recipe', value: 'NAME', text: 'a known backend to start; see `towline recipes`' },
      { name: 'launch', value: 'COMMAND', text: 'what starts the backend there; {port} in it is its port' },
      { name: 'token-from', value: 'PLACE', text: 'where the token of a running backend is' },
      { name: 'token-pattern', value: 'REGEX', text: 'its first group is the token' },
      { name: 'token-json', value: 'PATH', text: 'path to the token in JSON, such as auth.token' },
    ],
    more: [
      'With NAME and --host nothing is asked. Without --listen clients connect to the',
      'same port here; where another relay has it, or with 0, to any free one, which',
      'is then kept. PLACE is none, keyring, file:PATH or command:COMMAND on that host,',
      'local-file:PATH, local-command:COMMAND or local-env:NAME on this machine, or',
      'recipe, for what that recipe knows. With --launch and without --token-from the',
      'pattern is for what the backend prints, the path for lines of it that are JSON.',
      'Comments and layout of the file stay as they are.',
    ].join('\n'),
    configured: true,
    run: async (called) => (await import('./add.ts')).add(called),
  },
  {
    name: 'rename',
    operands: [relay, { name: 'new', shown: 'NEW' }],
    group: 'Config and shell',
    text: 'give a relay of the config another name',
    options: [],
    configured: true,
    run: async (called) => (await import('./rename.ts')).rename(called),
  },
  {
    name: 'remove',
    operands: [relay],
    group: 'Config and shell',
    text: 'take a relay out of the config',
    options: [{ name: 'yes', alias: 'y', text: 'do not ask' }],
    configured: true,
    run: async (called) => (await import('./remove.ts')).remove(called),
  },
];
