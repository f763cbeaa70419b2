import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalAll } from '../../test/fixtures/process-tree.ts';
import { away, reset } from './link-rows.ts';
import { type FaultRow, show, type Verdict } from './row.ts';
import type { FaultScene, Rival } from './scene.ts';
import { burst, crowdOfStalled, exchangeBytes, halfClose, hold } from './load.ts';
import { ask } from './witness.ts';

/** How often each knocks at a server that lets it in no more, for so long. */
const knocks =
  (lasts: number, spoil: (scene: FaultScene) => unknown) =>
  async (scene: FaultScene, { road }: Rival): Promise<Verdict> => {
    await spoil(scene);
    scene.sshd.killSessions();
    const before = road.passages.length;
    await sleep(lasts);
    const times = road.passages.length - before;
    return { text: `${times} logins in ${lasts / 1_000} s`, bad: times, took: null };
  };

const failed = (count: number, of: number, took: number): Verdict => ({
  text: `${count} of ${of} failed; ${show(took)}`,
  bad: count,
  took,
});

export const policyRows: readonly FaultRow[] = [
  {
    id: 'F44',
    title: 'sshd lets nobody greet it (MaxStartups, a ban)',
    sees: 'waiting, with the reason and the time of the next attempt',
    try: knocks(30_000, ({ each }) => each((road) => road.add({ kind: 'limit_data', bytes: 30 }, 'down'))),
  },
  {
    id: 'F45',
    title: 'the host key is another one',
    sees: 'blocked, with both fingerprints and what to do',
    try: knocks(30_000, ({ sshd }) => sshd.swapHostKey()),
  },
  {
    id: 'F49',
    title: 'the key is refused',
    sees: 'blocked, with the key that was refused',
    try: knocks(30_000, ({ sshd }) => sshd.revokeKeys()),
  },
];

export const localRows: readonly FaultRow[] = [
  {
    id: 'F29',
    title: '64 MiB there and back while the keys are changed each 1 MiB',
    sees: 'nothing',
    config: ['RekeyLimit 1M'],
    async try(_, { port }) {
      const took = await exchangeBytes(port, 64 * 1024 * 1024);
      return { text: took === null ? 'broken' : `whole; ${show(took)}`, bad: took === null ? 1 : 0, took };
    },
  },
  {
    id: 'F30',
    title: '200 connects while the keys are changed each 16 KiB',
    sees: 'nothing',
    config: ['RekeyLimit 16K'],
    async try(_, { port }) {
      const { lost, took } = await burst(port, 200);
      return failed(lost, 200, took);
    },
  },
  {
    id: 'F61',
    title: 'a client comes beside 500 idle ones',
    sees: 'nothing',
    try: async (_, { port }) => {
      const idle = await hold(port, 500);
      const began = performance.now();
      const answered = await ask(port);
      const took = performance.now() - began;
      idle.close();
      return failed(answered ? 0 : 1, 1, took);
    },
  },
  {
    id: 'F62',
    title: '50 clients that do not read, and one that asks 200 times',
    sees: 'nothing',
    async try(_, { port, forwarders }) {
      const { p99, unanswered } = await crowdOfStalled(port, 50, 200);
      const memory = Math.max(...forwarders().map(residentOf));
      return {
        text: `p99 ${show(p99)}, ${unanswered} unanswered; ${Math.round(memory / 1024)} MiB`,
        bad: unanswered,
        took: p99,
      };
    },
  },
  {
    id: 'F63',
    title: '1,000 connects at once',
    sees: 'nothing',
    async try(_, { port }) {
      const { lost, took } = await burst(port, 1_000);
      return failed(lost, 1_000, took);
    },
  },
  {
    id: 'F64',
    title: 'a client that ends its half, then reads 1 MiB',
    sees: 'nothing',
    async try(_, { port }) {
      const whole = await halfClose(port, 1024 * 1024);
      return { text: whole ? 'whole' : 'cut', bad: whole ? 0 : 1, took: null };
    },
  },
  {
    id: 'F66',
    title: '200 connects while sshd is away for 3 s',
    sees: 'they wait, and are served',
    async try(scene, { port }) {
      const back = away(3_000)(scene);
      await sleep(500);
      const { lost, took } = await burst(port, 200, 12);
      await back;
      return failed(lost, 200, took);
    },
  },
  {
    id: 'F69',
    title: 'who started it is killed with -9',
    sees: 'nothing is left of it; a new daemon takes over what was launched',
    async try(_, { main, pids }) {
      const all = pids();
      signalAll([main], 'SIGKILL');
      await sleep(2_000);
      const left = all.filter((pid) => commandLine(pid) !== '');
      return { text: `${left.length} processes left`, bad: left.length, took: null };
    },
  },
  {
    id: 'F73',
    title: 'who forwards is killed with -9',
    sees: reset,
    async make({ rivals }) {
      for (const rival of rivals) signalAll(rival.forwarders(), 'SIGKILL');
    },
  },
  {
    id: 'F74',
    title: 'who forwards hangs for 30 s',
    sees: 'a new worker within 7 s; open connections are reset, new ones wait',
    async make({ rivals }) {
      const pids = rivals.flatMap((rival) => rival.forwarders());
      signalAll(pids, 'SIGSTOP');
      await sleep(30_000);
      signalAll(pids, 'SIGCONT');
    },
  },
];

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** KiB. */
function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
}
