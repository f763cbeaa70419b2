import { setTimeout as sleep } from 'node:timers/promises';
import { signalAll } from '../../test/fixtures/process-tree.ts';
import type { Toxic } from '../../test/fixtures/toxics.ts';
import type { FaultScene } from './scene.ts';

/** One fault: how it is made, and what who uses towline sees of it. */
export interface FaultRow {
  /** As in the rows of the fault tests. */
  readonly id: string;
  readonly title: string;
  /** What a user of towline sees. */
  readonly sees: string;
  /** Lines of sshd_config. */
  readonly config?: readonly string[];
  /** Makes the fault; resolves when it is over. */
  make(scene: FaultScene): Promise<void>;
}

const toxic =
  (what: Toxic, lasts: number, direction: 'up' | 'down' | 'both' = 'both') =>
  async ({ road }: FaultScene): Promise<void> => {
    const off = road.add(what, direction);
    await sleep(lasts);
    off();
  };

const away =
  (lasts: number) =>
  async ({ sshd }: FaultScene): Promise<void> => {
    await sshd.stop();
    await sleep(lasts);
    await sshd.start();
  };

const frozen =
  (lasts: number) =>
  async ({ rivals }: FaultScene): Promise<void> => {
    const pids = rivals.flatMap((rival) => rival.pids());
    signalAll(pids, 'SIGSTOP');
    await sleep(lasts);
    signalAll(pids, 'SIGCONT');
  };

const reset = 'open connections are reset, new ones wait and are served';

export const rows: readonly FaultRow[] = [
  { id: 'F01', title: 'the session is killed', sees: reset, make: async ({ sshd }) => sshd.killSessions() },
  {
    id: 'F02',
    title: 'the session is ended politely',
    sees: reset,
    make: async ({ sshd }) => sshd.killSessions('SIGTERM'),
  },
  {
    id: 'F03',
    title: 'sshd hangs for 30 s',
    sees: 'new connections wait for a link beside, or for the end of the silence',
    async make({ sshd }) {
      sshd.pause();
      await sleep(30_000);
      sshd.resume();
    },
  },
  {
    id: 'F03b',
    title: 'the session alone hangs for 30 s',
    sees: 'a second link is made beside; new connections go over it',
    async make({ sshd }) {
      const pids = sshd.sessions();
      signalAll(pids, 'SIGSTOP');
      await sleep(30_000);
      signalAll(pids, 'SIGCONT');
    },
  },
  { id: 'F05', title: 'sshd is away for 5 s', sees: reset, make: away(5_000) },
  {
    id: 'F05b',
    title: 'sshd is away for 30 s',
    sees: `${reset}; who waits longer than hold.time is reset`,
    make: away(30_000),
  },
  { id: 'F06', title: 'sshd reads its config again', sees: 'nothing', make: ({ sshd }) => sshd.reload() },
  { id: 'F07', title: 'a black hole for 30 s', sees: 'as a hung sshd', make: toxic({ kind: 'timeout' }, 30_000) },
  {
    id: 'F09',
    title: 'nothing comes from the server for 30 s',
    sees: 'as a hung sshd',
    make: toxic({ kind: 'timeout' }, 30_000, 'down'),
  },
  {
    id: 'F10',
    title: 'nothing goes to the server for 30 s',
    sees: 'as a hung sshd',
    make: toxic({ kind: 'timeout' }, 30_000, 'up'),
  },
  { id: 'F12', title: 'the connection is reset', sees: reset, make: async ({ road }) => road.reset() },
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
    id: 'F19',
    title: 'a bit is flipped on the way',
    sees: reset,
    async make({ road }) {
      const off = road.add({ kind: 'xor', at: 200, mask: 4 }, 'down');
      await sleep(1_000);
      off();
    },
  },
  {
    id: 'F22',
    title: 'no road for 6 s',
    sees: reset,
    async make({ road }) {
      await road.down();
      await sleep(6_000);
      await road.up();
    },
  },
  { id: 'F25', title: 'asleep for 15 s', sees: 'nothing: the link is asked and kept', make: frozen(15_000) },
  {
    id: 'F26',
    title: 'asleep for 15 s, given up by the server',
    sees: reset,
    config: ['ClientAliveInterval 1', 'ClientAliveCountMax 3'],
    make: frozen(15_000),
  },
];

/** What takes too long for an ordinary run. */
export const longRows: readonly FaultRow[] = [
  {
    id: 'F05c',
    title: 'sshd is away for 10 min',
    sees: `${reset}; who waits longer than hold.time is reset`,
    make: away(600_000),
  },
];
