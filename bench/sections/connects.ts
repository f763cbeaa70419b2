import { withCrew } from '../crew.ts';
import { figure } from '../figure.ts';
import { load } from '../run.ts';
import type { Section } from '../section.ts';
import { median } from '../stats.ts';

const parallel = 8;
const ms = 1_500;

/** A new connection for each request. */
export const connects: Section = {
  name: 'connects',
  what: 'new connections/s, 8 at a time',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      const names = ['direct', 'towline', 'ssh', 'autossh', 'tunnel-ssh'] as const;
      const samples = await crew.rounds(names, bench.rounds, async (contender, round) => {
        bench.say(`connects, round ${round + 1}, ${contender.name}`);
        const result = await load('rate', [contender.port, parallel, ms], bench.signal);
        return { perSecond: (result('answered') / result('ms')) * 1_000, failed: result('failed') };
      });
      const head = { id: 'connects.rate', title: `new connections, ${parallel} at a time`, unit: '1/s', digits: 0 };
      const failed = [...samples].flatMap(([name, list]) => {
        const count = list.reduce((sum, one) => sum + one.failed, 0);
        return count === 0 ? [] : [`${name}: ${count} of the new connections failed`];
      });
      return {
        figures: [figure(head, samples, (list) => median(list.map((one) => one.perSecond)))],
        notes: [
          `connects: own client process (connect, request, answer, close), ${ms} ms each, medians of ${bench.rounds}`,
          ...failed,
          ...crew.notes(),
        ],
      };
    }),
};
