import type { Recipe } from '../../plugin.ts';

/** Mains: a workspace server for agents; its clients show their token as a WebSocket subprotocol. */
export const mains: Recipe = {
  name: 'mains',
  title: 'Mains, agents and workspaces over a WebSocket',
  command: 'cd ~/mains && npm run serve -- --port={port}',
  port: 8787,
  prints: 'backend listening on ws://[^\\s:]+:(\\d+)',
  token: {
    from: 'environment',
    name: 'MAINS_SERVE_TOKEN',
    pattern: 'pairing token: (\\S+)',
    none: 'no pairing token',
  },
  door: {
    wire: { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' },
    kind: 'websocket',
    path: '/',
  },
  page: '/',
  scheme: 'ws',
  attach: null,
  notes: ['One that runs already prints its token when it starts: give it to `towline token set`.'],
};
