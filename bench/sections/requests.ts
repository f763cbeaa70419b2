import { withCrew } from '../crew.ts';
import { figure } from '../figure.ts';
import type { Section } from '../section.ts';
import { median } from '../stats.ts';
import { wrk } from '../wrk.ts';

const seconds = 2;

/** Many clients at once on connections that stay open. */
export const requests: Section = {
  name: 'requests',
  what: 'requests/s with 64 clients',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      const names = ['direct', 'towline', 'ssh', 'autossh', 'tunnel-ssh'] as const;
      const samples = await crew.rounds(names, bench.rounds, (contender, round) => {
        bench.say(`requests, round ${round + 1}, ${contender.name}`);
        return wrk(contender.port, '/one', 64, seconds, bench.signal);
      });
      const head = { id: 'requests.rate', title: 'requests, 64 clients', unit: '1/s', digits: 0 };
      const failed = [...samples].flatMap(([name, list]) => {
        const errors = list.reduce((sum, one) => sum + one.errors, 0);
        return errors === 0 ? [] : [`${name}: ${errors} requests failed with 64 clients`];
      });
      return {
        figures: [figure(head, samples, (list) => median(list.map((one) => one.perSecond)))],
        notes: [`requests: wrk -t1 -c64, ${seconds} s each, medians of ${bench.rounds}`, ...failed, ...crew.notes()],
      };
    }),
};
