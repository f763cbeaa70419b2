import { withCrew } from '../crew.ts';
import { figure } from '../figure.ts';
import { load } from '../run.ts';
import type { Section } from '../section.ts';
import { median } from '../stats.ts';

const parallel = 8;
const ms = 1_500;

/** New connections, so many at a time: how many a second, and how many failed. */
async function connect(contender: { readonly port: number }, count: number, signal: AbortSignal) {
  const result = await load('rate', [contender.port, count, ms], signal);
  return { perSecond: (result('answered') / result('ms')) * 1_000, failed: result('failed') };
}

/** A new connection for each request. */
export const connects: Section = {
  name: 'connects',
  what: 'new connections/s, 8 at a time, and how long one takes',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      const names = ['direct', 'towline', 'ssh', 'autossh', 'tunnel-ssh'] as const;
      const samples = await crew.rounds(names, bench.rounds, async (contender, round) => {
        bench.say(`connects, round ${round + 1}, ${contender.name}`);
        const many = await connect(contender, parallel, bench.signal);
        const one = await connect(contender, 1, bench.signal);
        return { perSecond: many.perSecond, one: 1_000 / one.perSecond, failed: many.failed + one.failed };
      });
      const head = { id: 'connects.rate', title: `new connections, ${parallel} at a time`, unit: '1/s', digits: 0 };
      const alone = { id: 'connects.one', title: 'a new connection, one at a time', unit: 'ms', digits: 2 };
      const failed = [...samples].flatMap(([name, list]) => {
        const count = list.reduce((sum, one) => sum + one.failed, 0);
        return count === 0 ? [] : [`${name}: ${count} of the new connections failed`];
      });
      return {
        figures: [
          figure(head, samples, (list) => median(list.map(({ perSecond }) => perSecond))),
          figure(alone, samples, (list) => median(list.map(({ one }) => one))),
        ],
        notes: [
          `connects: own client process (connect, request, answer, close), ${ms} ms each, medians of ${bench.rounds}`,
          ...failed,
          ...crew.notes(),
        ],
      };
    }),
};
