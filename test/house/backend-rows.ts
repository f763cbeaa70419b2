import type { Shown } from './rows.ts';

const FAULTS = 'plugins/launch/faults';
const LAUNCH = 'plugins/launch/launch';
const SESSION = 'plugins/launch/session';
const SHELLS = 'e2e/launch-shells';
const HOST = 'core/ssh/link/remote-host';
const SCAN = 'plugins/token/scan';
const THERE = 'e2e/launch-faults';
const MARK = 'plugins/launch/mark';
const WORDS = 'e2e/backend-words';
const BACKEND = 'e2e/backend-faults';

/** Rows of the fault catalogue about the remote backend, parts 2d and 3: where it is shown what becomes of it. */
export const backendRows: Readonly<Record<string, Shown>> = {
  // kill -9 of the daemon.
  F69: {
    [SESSION]: [
      'a backend of a session is gone soon after its link, even one that ignores TERM',
      'after kill -9 of its client a session ends, and what is detached goes on and is adopted',
    ],
    'e2e/backend': ['a backend of a session ends within 5 s of kill -9 of the daemon, with all that it started'],
    'cli/killed-daemon': ['kill -9 of the daemon resets who is served: nobody takes what he got by then for the whole'],
    'plugins/launch/silent.long': [
      'a link that is cut without a word ends its session when it has been silent for 20 s',
    ],
  },
  // The token comes late, or never.
  F78: {
    [FAULTS]: ['a backend that is late is waited for, and its last line is shown without its token'],
    [THERE]: ['a backend that is late is waited for, and its last line is shown without its token'],
    [BACKEND]: ['one that ends at once is started five times, ever more slowly; one that is late is waited for'],
  },
  F79: {
    [FAULTS]: ['one that never gets ready is given up with its last lines, and goes on running unless it is to stop'],
    [THERE]: ['one that never gets ready is given up with its last lines, and goes on running unless it is to stop'],
  },
  // It comes twice, in pieces, in colour, on stderr.
  F80: {
    [FAULTS]: [
      'a token that comes twice, in pieces, in colour and on stderr is found',
      'a second token counts at the same address; at another one the first counts, and both are told',
    ],
    [SCAN]: ['a token that comes again is one; a changed one counts only at the same address, and both are told'],
    [THERE]: [
      'a token that comes twice, in pieces, in colour and on stderr is found',
      'a second token counts at the same address; at another one the first counts, and both are told',
    ],
  },
  F83: {
    [FAULTS]: ['a token that comes twice, in pieces, in colour and on stderr is found'],
    [SCAN]: [
      'a token is found in every disguise, wherever the output is cut',
      'a token at the very end may go on, and is believed only when nothing more comes',
    ],
    [THERE]: ['a token that comes twice, in pieces, in colour and on stderr is found'],
  },
  // A flood, and noise.
  F81: {
    [FAULTS]: ['noise is survived: binary output, and 100 MB without a line feed, in bounded space'],
    [SCAN]: ['a flood without a line end fills no memory and takes no time, and a token in it is found'],
    [BACKEND]: ['1 GB without a line feed, and binary noise, cost this side little memory and no time'],
  },
  F82: {
    [FAULTS]: ['noise is survived: binary output, and 100 MB without a line feed, in bounded space'],
    [SCAN]: ['a flood of noise is survived, and warns of little'],
    'plugins/launch/last-lines': [
      'the last three lines are shown, without what a terminal would obey',
      'a sequence that never ends takes no other line with it',
    ],
    'core/model/printable': ['JSON of texts of others has the same values, and nothing that a terminal obeys'],
    [WORDS]: ['nothing that a backend prints reaches the terminal as it is'],
    [BACKEND]: ['1 GB without a line feed, and binary noise, cost this side little memory and no time'],
  },
  // It ends, at once or in the background.
  F84: {
    [FAULTS]: ['one that ends before it is ready is told by its exit code and its last lines'],
    [THERE]: ['one that ends before it is ready is told by its exit code and its last lines'],
    [BACKEND]: ['one that ends at once is started five times, ever more slowly; one that is late is waited for'],
  },
  F85: {
    [FAULTS]: ['a launcher that goes into the background is followed, and one that left us is told'],
    [THERE]: ['a launcher that goes into the background is followed, and one that left us is told'],
  },
  // Its port is taken.
  F86: {
    [FAULTS]: ['a backend that takes another port than the one it was given is followed'],
    'plugins/launch/taken-port': [
      'a fixed port that is taken is refused by name, and nothing is started',
      'a free port is the first of the candidates that nobody has, whatever has those before it',
    ],
    'plugins/launch/choose-port': [
      'the printed port is followed when it is its own, then the given one, then the only one',
    ],
    [THERE]: ['a backend that takes another port than the one it was given is followed'],
  },
  // Orphans of the last run.
  F87: {
    [FAULTS]: ['what a dead run left is named, and neither killed nor doubled'],
    [LAUNCH]: ['twenty links after each other have one backend, and two at once start one'],
    'plugins/launch/locking': ['without flock there is never a second holder, whoever is killed at whatever moment'],
    'plugins/launch/odd-hosts': ['two hosts that share a home folder have each their own backend'],
    [THERE]: ['what a dead run left is named, and neither killed nor doubled'],
    'e2e/backend': ['another client finds it too, and two that launch at once leave one'],
    'e2e/reconnects': ['100 reconnects leave one backend, those too that are lost while they look for it'],
  },
  // Noise before the output.
  F88: {
    [HOST]: ['the noise of rc files is never part of what a script prints'],
    [SHELLS]: ['a login shell of *: launch, adopt, two at once, replace, stop, and its own environment'],
  },
  // It ignores SIGTERM.
  F89: {
    [FAULTS]: ['stop ends a backend that ignores TERM, and it is not started again unless somebody asks for it'],
    [SESSION]: ['a backend of a session is gone soon after its link, even one that ignores TERM'],
    [THERE]: ['stop ends a backend that ignores TERM, and it is not started again unless somebody asks for it'],
  },
  // A token in an argument.
  T21: {
    [LAUNCH]: ['the token is in no argument of any process, on either side'],
    'plugins/launch/odd-hosts': ['where printf is no builtin no token is in an argument either'],
    'cli/token': [
      'open hands the address over in a private file that is gone afterwards; no command line holds the token',
    ],
    'e2e/canary': ['the token stands in nothing that was written, sent or run, on either side'],
    [HOST]: ['a script runs with its own input, output and end, and none of it stands in an argument'],
  },
  // An address of somebody else in the output.
  T59: {
    [FAULTS]: ['an address of another host, or of another port than it was told to use, is not believed'],
    [SCAN]: ['an address of another host, or of another port than it was told to use, is not believed'],
    [THERE]: ['an address of another host, or of another port than it was told to use, is not believed'],
  },
  // A squatter on the port.
  T60: {
    [FAULTS]: ['what listens on the printed port without being ours is never taken for the backend'],
    [SHELLS]: ['another user on the port of a backend is named, and never taken for it'],
    'core/probe/token-check': ['whoever accepts any token, or refuses none, is foreign and never gets the real one'],
    'plugins/launch/choose-port': ['the address leads to its own listener, whoever has the same port beside it'],
    [THERE]: ['what listens on the printed port without being ours is never taken for the backend'],
    [BACKEND]: [
      'another user who takes its port after its proof never sees the token, and status says who it is',
      'an HTTP server that answers everyone the same is named, whatever its status, and never sees the token',
      'an older process of the same user, with another token, is named, and neither ended nor connected to',
    ],
  },
  // A token that looks like one before the output.
  T61: {
    [SHELLS]: ['a login shell of * whose startup files print a token and an address: neither is believed or shown'],
    [MARK]: [
      'what startup files print, however much of it, is neither scanned nor shown',
      'where the head of a log is gone, or an older towline wrote it, what is there counts',
    ],
    'plugins/launch/heard': ['nothing counts before the mark, wherever the output is cut'],
  },
};
