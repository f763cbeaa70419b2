import type { Command } from './commands.ts';
import { json, maybeRelay, verb } from './operands.ts';

/** The command that looks after the backends which the plugin `launch` left on hosts. */
export const backendCommand: Command = {
  name: 'backend',
  operands: [verb('ACTION'), maybeRelay],
  group: 'Backends',
  text: 'look after what was launched: ps, stop, logs, reap',
  options: [
    { name: 'host', value: 'HOST', text: 'look there, whatever the config has' },
    { name: 'lines', alias: 'n', value: 'N', text: 'with logs: how many, 100 unless given' },
    { name: 'yes', alias: 'y', text: 'with stop and reap: do not ask' },
    json,
  ],
  more: [
    '`ps` lists them, `logs` shows what they printed.',
    '`stop` ends a backend for good: its relay starts none until `towline restart`.',
    '`reap` clears away what is left of dead ones, and touches nothing that lives.',
    'What no relay of the config has is marked; dead ones of these are only counted.',
    'Without RELAY: every backend that towline knows on the hosts of the config, also',
    'those of other relays. Each host is reached by a connection of its own.',
  ].join('\n'),
  configured: true,
  run: async (called) => (await import('./backend.ts')).backend(called),
};
