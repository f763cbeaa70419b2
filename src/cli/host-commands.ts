import type { Command } from './commands.ts';
import { host, json } from './operands.ts';

/** The commands that go to a host by a connection of their own. */
export const hostCommands: readonly Command[] = [
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
    name: 'doctor',
    operands: [{ name: 'relay', shown: '[RELAY|HOST]' }],
    group: 'Hosts',
    text: 'go the way of a relay; say what is wrong, what to do',
    options: [json],
    more: [
      'It makes a connection of its own, by the keys and settings of the relay, from',
      'ssh_config to the backend. Without a name it takes each relay of the config; one',
      'that is not in the config here is looked for in that of the running daemon.',
      'A backend is only looked at: nothing is started, and no token is shown.',
    ].join('\n'),
    configured: true,
    run: async (called) => (await import('./doctor.ts')).doctor(called),
  },
];
