import type { Shown } from './rows.ts';

const KILLED = 'faults/killed-server';
const HOLE = 'faults/black-hole';
const LOSSY = 'faults/lossy';
const ALTERED = 'faults/altered';
const BESIDE = 'faults/beside';
const ASLEEP = 'faults/asleep';
const NAMES = 'faults/names';
const REKEYED = 'faults/rekeyed';
const PROMPT = 'faults/prompt.quiet';
const LASTING = 'faults/lasting.long';
const SUPERVISOR = 'core/supervisor';
const ROGUE = 'core/ssh/rogue';

/** Rows of the fault catalogue about the link, part 2a: where each fault is really injected, and what is asserted of it. */
export const linkRows: Readonly<Record<string, Shown>> = {
  // The session is killed, or ended politely.
  F01: {
    [PROMPT]: [
      'F01: killed sessions are noticed within 50 ms, and the next client is served by a new link within 300 ms',
    ],
    [KILLED]: ['*: a session that is * resets what is open at once, and who comes is served by a new link'],
    'e2e/killed': ['sshd killed under load: the download fails, and whoever comes is served'],
  },
  F02: {
    [KILLED]: ['*: a session that is * resets what is open at once, and who comes is served by a new link'],
    [ROGUE]: [
      'what a server says as it ends a link is told with it, and obeyed by no terminal',
      'a disconnect message ends the link, though the connection stays open',
    ],
  },
  // The session, or the listener, hangs.
  F03: {
    [KILLED]: ['F03: a session that hangs is silent within its keepalive, is said so, and a new link serves'],
    [`${SUPERVISOR}/holding.quiet`]: [
      'a frozen server is noticed within 5 s when a client waits, and the client is served when it thaws',
      'a silent link is found dead after interval x (count + 1)',
    ],
    [`${SUPERVISOR}/beside.quiet`]: [
      'F03: while a session hangs a client is served over a second link, and who was there stays on the first',
      'an old link that answers before the new one is ready goes on, and nothing has changed for anybody',
      'a link that is lost while the second one is dialed makes that the next attempt: no second login',
      'with two lanes a client of one that hangs is handed to the other after a second',
      'lanes that share a link that hangs replace it once',
    ],
    'e2e/paused': ['a paused container is noticed in time, and who waits is served when it goes on'],
  },
  F04: {
    [KILLED]: ['F04: a listener that hangs harms no link that is up, and a new one says that no greeting came'],
  },
  // sshd is down for 5 s, 30 s, 10 min.
  F05: {
    [KILLED]: ['F05: sshd that is down for * s is back within 2 s of its return, and asked no less calmly meanwhile'],
    [LASTING]: ['F05: sshd that is down for 10 min is back within 2 s of its return'],
    'e2e/restarted': ['after a restart of the container the relay is back by itself, on the same port'],
  },
  // HUP.
  F06: { [KILLED]: ['F06: a reload of sshd drops nothing'] },
  // Black holes: of an idle link, under load, one way.
  F07: {
    [HOLE]: ['*: * is found by the keepalive, who comes is held, and is served when it is over'],
    'faults/mute.quiet': ['F07: a black hole of an idle link is found within *'],
    [BESIDE]: [
      'a black hole of the default keepalive is found in half its time, and the second link waits for the way',
    ],
  },
  F08: {
    [HOLE]: ['F08: a black hole under load is found as soon, and the writer waits: nothing piles up'],
    [`${SUPERVISOR}/beside.quiet`]: [
      'beside an upload that got stuck with its session a client is served over a second link too',
    ],
  },
  F09: { [HOLE]: ['*: * is found by the keepalive, who comes is held, and is served when it is over'] },
  F10: { [HOLE]: ['*: * is found by the keepalive, who comes is held, and is served when it is over'] },
  // SYN into a black hole.
  F11: { [HOLE]: ['F11: a connect into a black hole ends after 5 s with its name, and the next one serves'] },
  // Reset, or called unreachable, by a router.
  F12: {
    [HOLE]: ['F12: a reset by a firewall is noticed with the first packet that meets it'],
    [PROMPT]: ['F12: a reset by a firewall is noticed within 50 ms of the packet that meets it'],
  },
  F13: { [HOLE]: ['F13: a host that a router calls unreachable fails a connect at once, with the reason'] },
  // Bad roads that are no dead ones.
  F14: {
    [LOSSY]: ['F14: a minute with a tenth of all packets lost each way costs no link'],
    [LASTING]: [
      'F14: 10 min with a tenth of all packets lost each way cost no link',
      'F14: in 90 s with a third of all packets lost each way a link is given up for real silence only',
    ],
  },
  F15: {
    [LOSSY]: ['F15: half a minute of 1 Mbit/s with a full pipe costs no link, and others get their turn'],
    [LASTING]: ['F15: 10 min of 1 Mbit/s with a full pipe cost no link'],
    [`${SUPERVISOR}/forwarding`]: ['on a slow road with a full pipe a new client waits its turn, and nobody is cut'],
    'faults/narrow.quiet': [
      'beside an upload and a download at 1 Mbit/s a word is back sooner than over ssh',
      'four uploads share 1 Mbit/s, and so do four downloads',
    ],
  },
  F16: {
    [LOSSY]: ['F16: half a minute of 500 ms +- 400 ms delay each way costs no link'],
    [LASTING]: ['F16: 10 min of 500 ms +- 400 ms delay each way cost no link'],
  },
  F17: {
    [ALTERED]: [
      'F17: segments of one byte carry everything, at no great cost',
      'F17: a greeting that comes byte by byte is whole, however often it is tried',
    ],
  },
  // Cut after N bytes.
  F18: {
    [ALTERED]: [
      'F18: a connection that is cut after N bytes, N from 0 to 6000, is always an error in time, and never silent',
    ],
  },
  // Flipped bits.
  F19: {
    [ALTERED]: [
      'F19: flipped bits in a handshake end it in time, and never as a host key to trust',
      'F19: a bit that is flipped in the host key is no changed host key: the relay tries again by itself',
      'F19: a bit that is flipped in what passes ends the link by name; not one wrong byte is delivered',
    ],
  },
  // A router forgets the flow.
  F20: {
    [HOLE]: [
      'F20: a router that forgets quiet flows meets none where the keepalive is quicker',
      'F20: a flow that was forgotten is replaced when a client comes, and it is served',
    ],
  },
  // Large packets are lost.
  F21: {
    [HOLE]: ['F21: large packets that are lost end the key exchange after 10 s with a word about the MTU'],
  },
  // The interface is down, or another one.
  F22: {
    [HOLE]: ['F22: an interface that is down for 6 s costs no link where the keepalive is slower'],
    [NAMES]: ['F22: who moves to another network, with another address, is served over a new link'],
  },
  // DNS is down, wrong, silent.
  F23: {
    [NAMES]: [
      'F23: names that stop to resolve cost no link; one that is gone is said so, and tried until it is back',
      'F23: a name server that is silent ends each of 20 lookups in one worker, and holds up no other relay there',
    ],
  },
  // A dead IPv6 address first.
  F24: {
    [PROMPT]: ['F24: a first address of IPv6 with * behind it costs no more than 300 ms'],
    'core/ssh/tcp': ['a name whose other address has nobody is reached all the same'],
  },
  // Sleep and wake.
  F25: {
    [ASLEEP]: ['F25: five sleeps longer than the keepalive cost a link that is alive nothing, and no byte'],
    [BESIDE]: ['F25: in ten freezes no link is lost or replaced, and the first byte after each comes at once'],
    'faults/asleep.long': ['F25: in 50 freezes nothing is lost or replaced (keepalive: *)'],
  },
  F26: {
    [ASLEEP]: [
      'F26: a server that gave us up in our sleep is noticed at the wake, and who comes is served within a second',
    ],
    [`${SUPERVISOR}/server-policy`]: [
      'a server that gave us up while we were frozen (ClientAliveInterval) is back within a second of the wake',
    ],
  },
  F27: {
    [ASLEEP]: ['F27: who comes after a wake without a network for 10 s is held, and served when it is back'],
    [BESIDE]: ['F27: a link that the network forgot in our sleep is replaced within three seconds of the wake'],
    'core/worker/wake': [
      'sleep, which one clock counts and the other does not, tells of a wake, once, with its length',
      'a process that was stopped tells of a wake, where there is a clock of sleep and where not',
    ],
  },
  // The wall clock jumps.
  F28: {
    [ASLEEP]: ['F28: a wall clock that jumps to and fro cuts nothing and storms nobody'],
    'core/worker/wake': ['a wall clock that is set to another time is no wake'],
  },
  // New keys under load, and while channels are opened.
  F29: {
    'faults/rekeyed.serial': [
      'F29: eight streams of 16 MB there and back through a server that rekeys every megabyte are byte-exact, within 4 s',
    ],
    'core/ssh/internals': [
      'a server that rekeys every megabyte gets and gives every byte, with pooled padding and a checked key',
    ],
    [`${SUPERVISOR}/patience.long`]: [
      '1 GB there and 1 GB back through a server that rekeys each 16 MB, byte for byte',
    ],
  },
  F30: {
    [REKEYED]: ['F30: of 200 connections that are opened while keys are exchanged all the time not one is lost'],
    'core/ssh/internals': ['a request that is made while keys are exchanged waits for their end'],
  },
  // Nobody says anything.
  F31: {
    [REKEYED]: ['F31: a link over which nobody says anything stays, and is asked no oftener than its keepalive'],
    [LASTING]: ['F31: a quarter of an hour without a word costs no link'],
  },
  // A jump host or a ProxyCommand dies.
  F32: {
    [REKEYED]: ['F32: a jump host that dies under a link is named as its hop, and the link comes back through it'],
    [`${SUPERVISOR}/routes`]: [
      'a host that hangs behind a lively jump host is found dead within its keepalive',
      'a fault names the hop at which it happened',
    ],
    [`${SUPERVISOR}/proxied`]: [
      'a relay goes through its ProxyCommand: it is told, its death is named, it recovers, and nothing is left of it',
    ],
    'core/ssh/proxy-command': ['a command that dies under a link ends it by name, with what it said'],
  },
  // A server that floods, or asks for what nobody gave it.
  F33: {
    [ROGUE]: [
      'a server that sends more than its window allows is cut off, and fills no memory',
      'a server that talks without end and answers nothing fills no memory, and nobody waits for it for ever',
      'a server that talks without end instead of letting anybody in is left after the deadline',
      'channels that nobody asked for are refused, counted and told once, and the link lives',
      'channels by the thousand that nobody asked for fill no memory',
    ],
    'core/ssh/login/injected': ['a greeting without an end is cut off, and what is none is called so'],
  },
};
