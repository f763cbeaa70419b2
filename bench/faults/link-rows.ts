import { setTimeout as sleep } from 'node:timers/promises';
import { dialedAnew, givenUp, heldFor10s, leftAlone, sentAgain } from './causes.ts';
import { away, forget, kill, pause, ruled, toxic } from './deeds.ts';
import { pour } from './fates.ts';
import { residentOf } from './memory.ts';
import { type FaultRow, often, show } from './row.ts';

export const reset = 'open connections are reset, new ones wait and are served';
const beside = 'open connections stay, new ones go over a second link, or wait for the way';

/** Of a way that says nothing for longer than the keepalive waits, and then works again. */
const silent = { failed: heldFor10s, back: dialedAnew, open: givenUp };

export const linkRows: readonly FaultRow[] = [
  { id: 'F01', title: 'the session is killed', sees: reset, make: async (scene) => kill(scene) },
  {
    id: 'F02',
    title: 'the session is ended politely',
    sees: reset,
    make: async ({ sshd }) => sshd.killSessions('SIGTERM'),
  },
  {
    id: 'F03',
    title: 'sshd hangs for 30 s',
    why: silent,
    sees: beside,
    rounds: often,
    async make({ sshd }, longer) {
      sshd.pause();
      await sleep(30_000 + longer);
      sshd.resume();
    },
  },
  {
    id: 'F03b',
    title: 'the session alone hangs for 30 s',
    why: { open: givenUp },
    sees: 'a second link is made beside; new connections go over it',
    rounds: often,
    make: ({ sshd }, longer) => pause(sshd.sessions(), 30_000 + longer),
  },
  {
    id: 'F04',
    title: 'the listener alone hangs for 10 s',
    sees: 'nothing',
    rounds: often,
    make: ({ sshd }, longer) => pause([sshd.pid], 10_000 + longer),
  },
  { id: 'F05', title: 'sshd is away for 5 s', sees: reset, rounds: often, make: away(5_000) },
  {
    id: 'F05b',
    title: 'sshd is away for 30 s',
    sees: `${reset}; who waits longer than \`hold.time\` is reset`,
    rounds: often,
    make: away(30_000),
  },
  { id: 'F06', title: 'sshd reads its config again', sees: 'nothing', make: ({ sshd }) => sshd.reload() },
  {
    id: 'F07',
    title: 'a black hole for 30 s',
    why: silent,
    sees: beside,
    rounds: often,
    make: toxic({ kind: 'timeout' }, 30_000),
  },
  {
    id: 'F08',
    title: 'a black hole for 30 s while one client pours',
    sees: 'the writer waits, and is reset when the link is given up; nothing piles up',
    together: true,
    async try(_, { port, forwarders, road }) {
      const pourer = pour(port);
      await sleep(2_000);
      const memory = () => Math.max(...forwarders().map(residentOf));
      const before = memory();
      const since = performance.now();
      const off = road.add({ kind: 'timeout' });
      await sleep(15_000);
      const grown = Math.round((memory() - before) / 1024);
      await sleep(15_000);
      off();
      const ended = pourer.ended();
      pourer.close();
      const told = ended === null ? 'not told' : `${ended.how} after ${show(ended.at - since)}`;
      return { text: `${told}; ${grown} MiB more after 15 s`, bad: ended?.how === 'end' ? 1 : 0, took: null };
    },
  },
  {
    id: 'F09',
    title: 'nothing comes from the server for 30 s',
    why: silent,
    sees: beside,
    rounds: often,
    make: toxic({ kind: 'timeout' }, 30_000, 'down'),
  },
  {
    id: 'F10',
    title: 'nothing goes to the server for 30 s',
    why: silent,
    sees: beside,
    rounds: often,
    make: toxic({ kind: 'timeout' }, 30_000, 'up'),
  },
  {
    id: 'F11',
    title: 'killed, and for 15 s a new connect meets a black hole',
    sees: reset,
    rounds: often,
    make: ruled((port) => [`INPUT -p tcp --syn --dport ${port} -j DROP`], 15_000, kill),
  },
  { id: 'F12', title: 'the connection is reset', sees: reset, make: ({ each }) => each((road) => road.reset()) },
  {
    id: 'F13',
    title: 'killed, and for 5 s the host is called unreachable',
    sees: reset,
    rounds: often,
    make: ruled(
      (port) => [`INPUT -p tcp --syn --dport ${port} -j REJECT --reject-with icmp-host-prohibited`],
      5_000,
      kill,
    ),
  },
  {
    id: 'F14',
    title: 'a tenth of all packets is lost each way for 30 s',
    sees: 'slowness',
    make: ruled(
      (port) =>
        ['dport', 'sport'].map(
          (end) => `INPUT -p tcp --${end} ${port} -m statistic --mode random --probability .1 -j DROP`,
        ),
      30_000,
    ),
  },
  {
    id: 'F15',
    title: '1 Mbit/s for 20 s',
    sees: 'slowness',
    make: toxic({ kind: 'bandwidth', rate: 125_000 }, 20_000),
  },
  {
    id: 'F16',
    title: '500 ms ± 400 ms for 20 s',
    sees: 'slowness',
    make: toxic({ kind: 'latency', latency: 500, jitter: 400 }, 20_000),
  },
  {
    id: 'F17',
    title: 'segments of one byte for 10 s',
    sees: 'nothing',
    make: toxic({ kind: 'slicer', size: 1 }, 10_000),
  },
  {
    id: 'F18',
    title: 'killed, and for 5 s each handshake is cut after 1,000 bytes',
    why: { failed: leftAlone, back: leftAlone },
    sees: reset,
    rounds: often,
    async make(scene, longer) {
      const off = scene.add({ kind: 'limit_data', bytes: 1_000 });
      kill(scene);
      await sleep(5_000 + longer);
      off();
    },
  },
  {
    id: 'F19',
    title: 'a bit is flipped on the way',
    sees: reset,
    make: toxic({ kind: 'xor', at: 200, mask: 4 }, 1_000, 'down'),
  },
  {
    id: 'F20',
    title: 'the network has forgotten the connection',
    why: { open: givenUp },
    sees: 'who comes is served over a second link',
    make: async (scene) => forget(scene),
  },
  {
    id: 'F21',
    title: 'killed, and for 15 s large packets are lost',
    why: { back: sentAgain },
    sees: reset,
    rounds: often,
    make: ruled(
      (port) => ['dport', 'sport'].map((end) => `INPUT -p tcp --${end} ${port} -m length --length 1000:65535 -j DROP`),
      15_000,
      kill,
    ),
  },
  {
    id: 'F22',
    title: 'no road for 6 s',
    sees: reset,
    rounds: often,
    async make({ each }, longer) {
      await each((road) => road.down());
      await sleep(6_000 + longer);
      await each((road) => road.up());
    },
  },
  {
    id: 'F32',
    title: 'the session at the jump host is killed',
    sees: reset,
    jump: true,
    make: async (scene) => kill(scene),
  },
];
