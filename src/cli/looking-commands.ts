import type { Command } from './commands.ts';
import { json, maybeRelay } from './operands.ts';

/** The commands that show what there is, and what happens. */
export const lookingCommands: readonly Command[] = [
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
  {
    name: 'hosts',
    group: 'Looking',
    text: 'show the hosts that ssh_config and known_hosts know',
    options: [json],
    configured: true,
    quick: true,
    run: async (called) => (await import('./hosts.ts')).hosts(called),
  },
];
