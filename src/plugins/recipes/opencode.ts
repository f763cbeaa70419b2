import type { Recipe } from '../../plugin.ts';

/**
 * opencode: a coding agent's server. Without a password it is open to everyone who can reach its port. Seen with 1.18.33: it prints its address
 * alone, and every path answers 401 to a wrong password. `/config` was once silent for more than 5 s after a first start, `/global/health` never.
 */
export const opencode: Recipe = {
  name: 'opencode',
  title: "opencode's server, a coding agent",
  command: 'opencode serve --hostname 127.0.0.1 --port {port}',
  port: 4096,
  prints: 'opencode server listening on https?://[^\\s/:]+:(\\d+)',
  token: { from: 'environment', name: 'OPENCODE_SERVER_PASSWORD' },
  door: { wire: { in: 'basic', user: 'opencode' }, kind: 'http', path: '/global/health' },
  page: '/',
  scheme: 'http',
  attach: null,
  notes: ['One that runs already has the password of its OPENCODE_SERVER_PASSWORD: give it to `towline token set`.'],
};
