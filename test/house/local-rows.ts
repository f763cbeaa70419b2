import type { Shown } from './rows.ts';

const SUPERVISOR = 'core/supervisor';

/**
 * Rows of the fault catalogue about the local side, part 2c, and about the service manager, part 2f: where each fault is really injected, and what
 * is asserted of it. F69 is with the launched backend.
 */
export const localRows: Readonly<Record<string, Shown>> = {
  // A listen port is taken.
  F53: {
    'faults/addresses': ['F53: a port that was taken at the start is ours within 2 s of when it is free'],
    [`${SUPERVISOR}/refusals`]: [
      'a taken port names its owner, leaves the other relay alone, and is taken over when it is free',
    ],
    'e2e/local': ['a taken port is named with its owner, harms no other relay, and is an exit code'],
  },
  // A privileged port, an address of another machine.
  F54: {
    'faults/addresses': [
      'F54: a port below 1024 is said to be not allowed, by check and by up, and harms no other relay',
    ],
    'cli/program': [
      'check names what each relay lacks on this machine, loads its plugins and ends with the first fault',
    ],
  },
  // No more files.
  F55: {
    'cli/open-files': [
      'with few files to open, the clients beyond it are reset, the daemon still answers, serves again when there is room, and ends',
    ],
  },
  // A full disk.
  F56: {
    'faults/state-folder': [
      'F56: a full disk under the state folder stops no byte, is said once, and the log goes on when there is room',
    ],
    'control/log': [
      'a full disk stops no one',
      'lines that cannot be written are counted, said once, and told when writing works again',
    ],
    'core/ssh/known-hosts/known-hosts-file': [
      'a full disk leaves no half line behind',
      'half a line on a full disk is cut off, and never what ssh wrote beside it',
    ],
  },
  // A state folder that is read-only, or not there; no HOME.
  F57: {
    'faults/state-folder': [
      'F57: a read-only state folder is a memory only, and one that cannot be made is refused by name',
      'F57: without HOME the home folder of the user is taken, as ssh does',
    ],
  },
  // fsync and rename that fail.
  F58: { 'faults/state-folder': ['F58: a * costs the memory of a port, not the port, and leaves the old file whole'] },
  // Rotated logs.
  F59: {
    'control/log': [
      'a file that logrotate renamed, rm took or copytruncate emptied is followed by its name',
      'the log never grows beyond its limit, keeps one older file, and loses no line between them',
    ],
  },
  // What a dead daemon left, and a second one.
  F60: {
    'faults/addresses': [
      'a Unix socket that a killed program left is taken over; a live one, and a file, are let be and named',
    ],
    'cli/up': ['a killed daemon leaves nothing in the way of the next'],
    'control/server': [
      'a second daemon is told who runs, and harms nothing',
      'of ten daemons started at once one runs',
      'what a dead daemon left behind is taken over',
    ],
    'cli/detach': ['of two daemons started at once one runs'],
  },
  // Clients that say nothing.
  F61: {
    'faults/crowd.serial': [
      'F61: two thousand clients that say next to nothing fill `connections` of their relay, and the others feel nothing',
      'F61: of two thousand clients in an outage 512 are held, and the others are reset at once with the reason',
    ],
    [`${SUPERVISOR}/holding.quiet`]: [
      'a client waits no longer than hold.time, and is then reset with a reason',
      'no more than hold.connections wait, the next one is reset at once',
    ],
    'control/client': ['a reader that never reads is dropped at its bound, and the others do not notice'],
  },
  // Clients that never read.
  F62: {
    'faults/stalled.serial': [
      'F62: * that never read cost less than * MiB in all processes, and the others do not feel them',
    ],
  },
  // Thousands at once.
  F63: {
    'faults/crowd.long': ['F63: of ten thousand clients over a minute not one fails, and none leaves anything behind'],
    'faults/crowd.serial': [
      'F63: of three thousand clients that come at once not one fails',
      'five thousand connections that were open at once leave no descriptor behind, and no more memory each time',
    ],
  },
  // Half-close.
  F64: {
    [`${SUPERVISOR}/forwarding`]: ['half-close passes through both ways, and 20 MB are byte-exact'],
    [`${SUPERVISOR}/holding.quiet`]: ['a client that already sent its end while it was held still gets its answer'],
  },
  // A backend that refuses, resets, is silent.
  F65: {
    'faults/targets': [
      'F65: a stream over which nothing passes for many keepalives is not cut',
      'F65: a target that sends one byte now and then, and one that resets, are passed on as they are',
    ],
    [`${SUPERVISOR}/refusals`]: [
      'a backend that is down degrades the relay by name, resets its clients at once, and is noticed when it is back',
    ],
    [`${SUPERVISOR}/forwarding`]: ['an upload whose target leaves in the middle ends, and leaves nothing behind'],
    [`${SUPERVISOR}/health`]: ['a backend that accepts and is silent, or speaks another protocol, is degraded by name'],
  },
  // Clients that come in an outage.
  F66: {
    'faults/targets': ['F66: of 200 clients that come in an outage of 3 s not one fails'],
    'e2e/killed': ['sshd killed under load: the download fails, and whoever comes is served'],
    [`${SUPERVISOR}/forwarding`]: [
      'kill -9 of the worker resets what it had opened and hands over what it had not',
      'a killed link cuts what is open with a reset, holds who comes meanwhile, and serves them',
    ],
  },
  // An upload at the loss of the link.
  F67: {
    'faults/targets': ['F67: an upload that is under way when the link is lost fails for curl, and never is a success'],
  },
  // SIGTERM under load.
  F68: {
    'e2e/ending': [
      'SIGTERM with 200 open streams: half end well within the drain, the others are cut, nothing is left',
      'a second SIGTERM ends it at once',
    ],
    [`${SUPERVISOR}/workers.serial`]: [
      'stopping lets open connections end; a second word ends them now',
      'a drain that runs out of time cuts what is left with a reset',
    ],
  },
  // Reload: a broken config, under load, again and again.
  F70: {
    'cli/reload': ['a config with problems is refused with every one of them, and what ran goes on'],
    [`${SUPERVISOR}/reload`]: [
      'a config that cannot be used, or that a plugin refuses, changes nothing, and status says so',
    ],
  },
  F71: {
    'cli/reload.long': [
      '1 GB through an unchanged relay is the same 1 GB, however often the config is read again meanwhile',
    ],
    [`${SUPERVISOR}/reload`]: [
      'relays come, go and change, and an unchanged one keeps worker, link, port and every byte',
      'a changed relay keeps its listener: who comes meanwhile waits, and is served by the new target',
    ],
  },
  F72: {
    'cli/reload': [
      'a hundred reloads in ten seconds, by rename, by link and half-written: the last one wins, and no half is taken',
      'a file that is edited: what cuts nobody is taken over by itself, the rest waits for a reload',
    ],
  },
  // A worker that crashes, hangs, eats memory.
  F73: {
    [`${SUPERVISOR}/workers.serial`]: [
      'a worker that exits again and again is blocked after its restart intensity, the other one lives',
    ],
    [`${SUPERVISOR}/forwarding`]: ['kill -9 of the worker resets what it had opened and hands over what it had not'],
    [`${SUPERVISOR}/patience.long`]: ['a worker that crashed again and again is tried again after a minute, by itself'],
    'e2e/worker': ['kill -9 of a worker: the download fails, the port serves on, the other relay does not notice'],
  },
  F74: {
    [`${SUPERVISOR}/workers.serial`]: ['a worker that spins is replaced within 7 s, and the other relay loses no byte'],
    'e2e/worker': ['a spinning worker is replaced, and the other relay does not notice'],
  },
  F75: {
    'faults/heap.serial': ['F75: a plugin that fills the heap * costs its worker, and the other relay no byte'],
    [`${SUPERVISOR}/workers.serial`]: ['a worker that uses more memory than allowed is replaced'],
  },
  // A supervisor that does not run.
  F76: {
    'cli/service-manager': [
      'F76: a daemon that does not run sends no sign of life, and goes on with them when it does',
      'a service manager that cannot be told is named once, and the daemon runs on',
    ],
    [`${SUPERVISOR}/loop-watch`]: [
      'F76: a supervisor whose event loop was blocked says so once, for how long, and nobody was cut',
    ],
  },
  // A service that starts without a network.
  F98: {
    'cli/service-manager': [
      'F98: a service is ready as soon as its listeners are bound, though no host answers; then it says how it stands',
    ],
  },
  // The watchdog of the service manager.
  F99: {
    'cli/service-manager': [
      'F99: as long as a worker does not answer there is no sign of life',
      'without NOTIFY_SOCKET nobody is told; what is for us is taken out of the environment, and another process has its own watchdog',
    ],
    [`${SUPERVISOR}/workers.serial`]: [
      'F99: a worker that does not answer is known to the watchdog until it is replaced',
    ],
  },
  // Readers of our output that leave or stall.
  F77: {
    'faults/stalled-output': [
      'F77: a reader of stdout that stalls costs a bounded memory and no client, and is told what it missed',
    ],
    'cli/up': ['the daemon goes on when the readers of its output leave'],
  },
};
