import type { Command, OptionText } from './commands.ts';
import { maybeRelay, relay } from './operands.ts';

const wait: OptionText = { name: 'wait', value: 'TIME', text: 'until it is connected, or for so long (60s)' };

/** The commands that run the daemon and steer its relays. */
export const daemonCommands: readonly Command[] = [
  {
    name: 'up',
    group: 'Daemon',
    text: 'start the daemon and every relay; Ctrl-C ends it',
    options: [
      { name: 'detach', alias: 'd', text: 'go on in the background once it has started' },
      { name: 'wait', value: 'TIME', text: 'with -d: until all is connected, or for so long (60s)' },
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
    name: 'reload',
    group: 'Daemon',
    text: 'read the config again; what is unchanged does not notice',
    options: [],
    more: [
      'New relays begin, removed ones end, changed ones begin anew behind the listeners',
      'they have: who comes meanwhile waits. A change of `start`, `hold`, `connections`',
      'or `memory` alone ends no link. A config that cannot be used changes nothing.',
      'SIGHUP does the same. A change that ends no open link needs no reload: it is',
      'taken over a few seconds after it was written.',
    ].join('\n'),
    run: async (called) => (await import('./reload.ts')).reload(called),
  },
  {
    name: 'start',
    operands: [relay],
    group: 'Relays',
    text: 'start a stopped relay, or try a waiting one at once',
    options: [wait],
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
    options: [wait],
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
];
