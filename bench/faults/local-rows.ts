import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalAll } from '../../test/fixtures/process-tree.ts';
import { handedOver, ownRuntime, replaced } from './causes.ts';
import { away } from './deeds.ts';
import { failed, pour, talkFor } from './fates.ts';
import { reset } from './link-rows.ts';
import { askOften, burst, crowdOfStalled, exchangeBytes, halfClose, hold } from './load.ts';
import { residentOf } from './memory.ts';
import { type FaultRow, show } from './row.ts';

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
    why: { took: handedOver },
    sees: 'nothing',
    config: ['RekeyLimit 16K'],
    async try(_, { port }) {
      const { lost, took } = await burst(port, 200);
      return failed(lost, 200, took);
    },
  },
  {
    id: 'F61',
    title: '300 clients come, one after the other, beside 500 idle ones',
    why: { took: handedOver },
    sees: 'nothing',
    try: async (_, { port }) => {
      const idle = await hold(port, 500);
      const { times, unanswered } = await askOften(port, 300);
      idle.close();
      const [p50 = Number.NaN, p99 = Number.NaN] = [times[149], times[296]];
      return {
        text: `${unanswered} of 300 failed; p50 ${show(p50)}, p99 ${show(p99)}`,
        bad: unanswered,
        took: p99,
      };
    },
  },
  {
    id: 'F62',
    title: '50 clients that do not read, and one that asks 200 times',
    why: { took: handedOver, memory: ownRuntime },
    sees: 'nothing',
    async try(_, { port, forwarders }) {
      const { p99, unanswered } = await crowdOfStalled(port, 50, 200);
      const memory = Math.round(Math.max(...forwarders().map(residentOf)) / 1024);
      return {
        text: `p99 ${show(p99)}, ${unanswered} unanswered; ${memory} MiB`,
        bad: unanswered,
        took: p99,
        memory,
      };
    },
  },
  {
    id: 'F63',
    title: '1,000 connects at once',
    why: { took: handedOver },
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
    id: 'F67',
    title: 'the session is killed while a client pours',
    sees: 'the client is reset',
    async try({ sshd }, { port }) {
      const pourer = pour(port);
      await sleep(2_000);
      sshd.killSessions();
      const since = performance.now();
      await sleep(3_000);
      const ended = pourer.ended();
      pourer.close();
      if (ended === null) return { text: 'not told', bad: 1, took: null };
      // How soon says more of this program, which pours and echoes too.
      const text = `${ended.how} after ${show(ended.at - since)}`;
      return { text, bad: ended.how === 'end' ? 1 : 0, took: null };
    },
  },
  {
    id: 'F68',
    title: 'it is told to end (SIGTERM) while 20 clients talk for 2 s',
    sees: 'they may finish, and nobody new is let in',
    async try(_, { name, main, pids, port }) {
      const all = pids();
      const talks = Array.from({ length: 20 }, () => talkFor(port, 2_000));
      await sleep(500);
      // A shell passes no signal on: whoever ends it ends all of it.
      signalAll(name === 'towline' ? [main] : all, 'SIGTERM');
      const cut = (await Promise.all(talks)).filter((whole) => !whole).length;
      await sleep(1_000);
      const left = all.filter((pid) => commandLine(pid) !== '').length;
      return { text: `${cut} of 20 cut; ${left} processes left`, bad: cut + left, took: null };
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
    why: { open: replaced },
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
