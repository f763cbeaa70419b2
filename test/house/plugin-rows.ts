import type { Shown } from './rows.ts';

const FAULTS = 'core/supervisor/plugin-faults';
const HOOKS = 'core/supervisor/plugin-hooks';
const PACKAGES = 'core/plugin/packages';
const PROVIDERS = 'core/plugin/providers';
const THERE = 'e2e/plugin-faults';
const CONTROL = 'e2e/control-faults';
const UNTRUSTED = 'e2e/untrusted';

/** Rows of the fault catalogue about plugins, parts 2e and 3a: where it is shown what they break, and what is refused. */
export const pluginRows: Readonly<Record<string, Shown>> = {
  // Throws at load, syntax error, another version of the interface.
  F91: {
    [FAULTS]: ['a plugin that cannot be loaded blocks its own relay, by file and line, and the daemon is up'],
    'core/supervisor/guests': ['a mended plugin file ends the block by itself'],
    [THERE]: ['a plugin that cannot be loaded blocks its own relay, by file and line, and the daemon is up'],
  },
  // Throws or rejects in a hook.
  F92: {
    [FAULTS]: [
      'a gate that throws refuses, and after three times its relay is blocked; an observer is left out',
      'a plugin that throws in identify, backend or token blocks its relay, by name',
    ],
    [HOOKS]: [
      'an identify that throws, hangs, or gives what is no credential blocks its relay by name',
      'a wrap that throws, hangs, gives no stream, or one that breaks, cuts that connection: no half looks whole',
      'a config that a plugin refuses is not begun with, and the reason is said',
      'a probe of a plugin is asked with each health check, and says what is wrong',
    ],
    [PROVIDERS]: ['a plugin with another hook than observe ends its relay after three strikes, and begins anew'],
    [THERE]: [
      'a gate that throws refuses, and after three times its relay is blocked; an observer is left out',
      'a plugin that throws in identify, backend or token blocks its relay, by name',
    ],
  },
  // Loops for ever, never answers.
  F93: {
    [FAULTS]: [
      'a hook that never answers has its deadline, one that loops for ever costs its worker; others go on',
      'the daemon side of a plugin that exits, loops, leaks or fails harms nobody, and is left out',
    ],
    'core/supervisor/guests': ['a plugin that never loads, or loads for ever, harms its own relay only, and says so'],
    [PROVIDERS]: ['a backend that is late is told so, and may say how far it came; then it is given up'],
    [THERE]: [
      'a hook that never answers has its deadline, one that loops for ever costs its worker; others go on',
      'the daemon side of a plugin that exits, loops, leaks or fails harms nobody, and is left out',
    ],
  },
  // Leaks, exits, forgets a rejection, patches prototypes.
  F94: {
    [FAULTS]: [
      'a plugin that ends each worker is blocked after its restart intensity, with the last words',
      'a plugin that ends its worker is named with its line, whichever way it does',
      'prototypes that a plugin patches, what it leaks, and what it says to the supervisor stay with its own worker',
      'the daemon side of a plugin that exits, loops, leaks or fails harms nobody, and is left out',
    ],
    [THERE]: [
      'the daemon side of a plugin that exits, loops, leaks or fails harms nobody, and is left out',
      'a plugin that ends each worker is blocked after its restart intensity, with the last words',
      'a plugin that ends its worker is named with its line, whichever way it does',
      'prototypes that a plugin patches, what it leaks, and what it says to the supervisor stay with its own worker',
    ],
  },
  // Paths, links, schemes, a folder with the same prefix.
  T63: {
    [PACKAGES]: [
      'a package that leads out of its folder, is not there, or is none, is refused by name',
      'a plugin beside code of somebody else, or reached by a link in a folder that others can write, is refused',
    ],
    'core/plugin/load': ['what is not a trusted plugin is refused by name'],
    [UNTRUSTED]: [
      'a pattern that some text could keep busy, and what is no path of a plugin, are errors of the config',
      'a plugin that leads elsewhere, or that others can write, blocks its own relay',
      'a path may lead anywhere where nobody else can write, and a name only to a package',
    ],
  },
  // Somebody else can write it, or owns a part of it.
  T64: {
    [PACKAGES]: [
      'code that others can write, or own, is refused wherever it lies, up to the home folder or the root',
      'a plugin beside code of somebody else, or reached by a link in a folder that others can write, is refused',
      'a file that its group can write is trusted where that group is the user alone, and no other',
    ],
    [UNTRUSTED]: [
      'a plugin that leads elsewhere, or that others can write, blocks its own relay',
      'a plugin that a group can write, or that somebody else owns a part of, blocks its own relay',
    ],
  },
  // What a plugin is given.
  T65: {
    [FAULTS]: ['what a plugin is given is its context and the arguments of its hooks: no key, no secret, no channel'],
    [THERE]: ['what a plugin is given is its context and the arguments of its hooks: no key, no secret, no channel'],
  },
  // Payloads of any size and shape.
  T66: {
    [PROVIDERS]: [
      'an answer is built anew from what it must have, and anything else is refused by name',
      'a reason of 100 MB is cut, whoever says it',
    ],
    [FAULTS]: [
      'what is no message ends the worker that says it, and not the daemon',
      'a worker that floods its channel is ended before the daemon has kept much of it',
      'what is no word of a plugin, of any shape, ends its daemon side, and not the daemon',
      'a daemon side that floods its channel is ended before the daemon has kept much of it',
    ],
    [THERE]: [
      'what is no message ends the worker that says it, and not the daemon',
      'a worker that floods its channel is ended before the daemon has kept much of it',
      'what is no word of a plugin, of any shape, ends its daemon side, and not the daemon',
      'a daemon side that floods its channel is ended before the daemon has kept much of it',
    ],
  },
  // The control socket is removed.
  F95: {
    'control/server': [
      'a deleted socket comes back, the same daemon behind it',
      'a deleted folder comes back with its socket',
      'a folder whose mode somebody made * has its own again',
    ],
    [CONTROL]: ['a control socket that is lost, or whose folder is lost or opened, is there again within 5 s'],
  },
  // A reader of events that never reads.
  F96: {
    'control/client': ['a reader that never reads is dropped at its bound, and the others do not notice'],
    [CONTROL]: ['of two hundred readers of events the one that never reads is dropped'],
  },
  // What is no HTTP, or too much of it.
  F97: {
    'control/server': [
      'a request with * is refused with *, on every path',
      'what is no HTTP is answered with 400 and closed',
    ],
    [CONTROL]: [
      'what is no HTTP, or too much of it, is refused and closed',
      'who takes his time over a header is closed within 6 s, over a body within 11 s',
    ],
  },
};
