import type { Shown } from './rows.ts';

const CANARY = 'e2e/canary';
const CHECK = 'core/probe/token-check';
const LAUNCH = 'plugins/launch/launch';
const BACKEND = 'e2e/backend-faults';
const UNTRUSTED = 'e2e/untrusted';

/** Rows of the fault catalogue about the token and who gets it, parts 2d and 3: where it is shown that it goes nowhere else. */
export const tokenRows: Readonly<Record<string, Shown>> = {
  // Up, but answering 500 or 401, or nothing.
  F90: {
    'core/supervisor/backed': [
      'a backend that answers 500 or 401, or hangs, degrades its relay by name and is not launched again',
    ],
    'core/supervisor/http-health': [
      'an http probe makes connected mean that the right status came back',
      'a probe that has a token shows it, and says which is wrong: none, or that one',
    ],
    'core/supervisor/health': ['a backend that accepts and is silent, or speaks another protocol, is degraded by name'],
    [CHECK]: ['a backend that refuses the right token too has another one; one that breaks over it is unwell'],
    [BACKEND]: ['one that answers 500 or 401, or hangs, degrades its relay by name and is not launched again'],
  },
  // In logs, events, errors, API bodies.
  T22: {
    [CANARY]: [
      'the token stands in nothing that was written, sent or run, on either side',
      'a token that the backend itself prints stands in nothing that towline wrote, sent or ran, on either side',
    ],
    'core/model/secret': ['a secret prints as such wherever it gets to, and is whole where it is revealed'],
    'plugins/token/scan': ['no sentence ever says a token'],
    'plugins/launch/faults': ['a backend that is late is waited for, and its last line is shown without its token'],
  },
  // In the environment of others.
  T23: {
    [CANARY]: ['the token stands in nothing that was written, sent or run, on either side'],
    'core/supervisor/plugin-faults': [
      'what a plugin is given is its context and the arguments of its hooks: no key, no secret, no channel',
    ],
  },
  // In the address of a web page: the private one of `open` and the demo's are all there are; the control API serves none.
  T24: {
    [UNTRUSTED]: [
      'the token of a backend leaves in a private page that is gone afterwards, and is one that nobody guesses',
    ],
    'demo/page.serial': [
      'the page in a browser: the dot goes off and on, no line is lost or doubled, and the token is in no address',
    ],
    'house/rows': [
      'the control API serves no page, and no token that a stranger has sent is compared in a time that tells',
    ],
  },
  // Short, guessable, always the same, and told by how long a comparison takes. Only the demo's backend is ever sent one that it checks.
  T25: {
    [LAUNCH]: [
      'a backend is launched once, and the next link adopts it with its token',
      'a dead backend is replaced by a new run with a new token',
    ],
    [UNTRUSTED]: [
      'the token of a backend leaves in a private page that is gone afterwards, and is one that nobody guesses',
    ],
    'demo/main': ['the token of the demo is new each time, and nothing that is nearly it will do'],
    'house/rows': [
      'the control API serves no page, and no token that a stranger has sent is compared in a time that tells',
    ],
    'e2e/backend': ['a launched backend outlives the daemon, sshd and their links: the next one finds it at work'],
  },
  // A pattern that some text keeps busy.
  T56: {
    'core/model/safe-pattern': ['patterns that some text could keep busy are refused with the reason'],
    'plugins/token/scan': ['a pattern that takes too long is given up with a word'],
    [UNTRUSTED]: [
      'a pattern that some text could keep busy, and what is no path of a plugin, are errors of the config',
    ],
  },
  // A check that sends the token to whoever answers.
  T62: {
    [CHECK]: [
      'whoever accepts any token, or refuses none, is foreign and never gets the real one',
      'who speaks no HTTP, says nothing, or pretends to a handshake is unwell, and gets no token',
    ],
    'plugins/launch/faults': ['what listens on the printed port without being ours is never taken for the backend'],
    'core/supervisor/squatted': [
      'who takes the port of a launched backend after its proof never sees the token, and status says who it is',
      'who takes the port of an attached backend on a host that * who listens sees no token either',
    ],
    [BACKEND]: [
      'another user who takes its port after its proof never sees the token, and status says who it is',
      'an HTTP server that answers everyone the same is named, whatever its status, and never sees the token',
      'an older process of the same user, with another token, is named, and neither ended nor connected to',
    ],
  },
};
