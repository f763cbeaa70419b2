import type { Recipe } from '../../plugin.ts';

/** Anything else that listens on a port; launch's own options say what differs. */
export const generic: Recipe = {
  name: 'generic',
  title: 'anything else that listens on a port',
  command: 'PORT={port} npm start',
  port: 8080,
  prints: '(?:https?|wss?)://[^\\s/:]+:(\\d+)',
  token: { from: 'nowhere' },
  door: null,
  page: '/',
  scheme: 'http',
  attach: null,
  notes: [
    'This command is an example: write its own; {port} in it is its port.',
    'If it prints a token: "tokenPattern", such as "token: (\\\\S+)", whose first group is the token.',
    'If it prints one in a line of JSON: "tokenJson", such as "auth.token", the path to it.',
  ],
};
