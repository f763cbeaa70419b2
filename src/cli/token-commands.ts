import type { Command, OptionText } from './commands.ts';
import { json, relay, verb } from './operands.ts';

const print: OptionText = { name: 'print', text: 'print it also where no terminal shows it' };
const copy: OptionText = { name: 'copy', alias: 'c', text: 'put it on the clipboard instead' };
const recipe: OptionText = {
  name: 'recipe',
  value: 'NAME',
  text: 'how its address looks; `towline recipes` lists them',
};

/** A forward is named by its number or its port. */
const ofOneForward = { operands: [relay, { name: 'forward', shown: '[FORWARD]' }], group: 'Backends' } as const;

/** The commands around the backend's token. */
export const tokenCommands: readonly Command[] = [
  {
    name: 'token',
    operands: [verb('[set|forget]'), relay],
    group: 'Backends',
    text: 'show the token of a backend, or set it by hand',
    options: [print, copy, { name: 'keyring', text: "with set: keep it in the system's keyring" }],
    more: [
      '`set` reads it from the terminal without showing it, or from standard input;',
      'never from an argument, which every user of this machine could read. It is',
      'kept in a file for your eyes only, and counts more than what a plugin finds.',
    ].join('\n'),
    configured: true,
    run: async (called) => (await import('./token.ts')).token(called),
  },
  {
    name: 'url',
    ...ofOneForward,
    text: 'print the address for a UI, with the token',
    options: [print, copy, recipe],
    more: 'FORWARD is its number, from 1, or the port where it listens.',
    run: async (called) => (await import('./url.ts')).url(called),
  },
  {
    name: 'open',
    ...ofOneForward,
    text: 'open that address in the browser',
    options: [recipe],
    more: 'The token is handed over in a file for your eyes only, never in an argument.',
    run: async (called) => (await import('./open.ts')).open(called),
  },
  {
    name: 'recipes',
    operands: [{ name: 'name', shown: '[NAME]' }],
    group: 'Backends',
    text: 'show the backends that towline knows',
    options: [json],
    run: async (called) => (await import('./recipes.ts')).recipes(called),
  },
];
