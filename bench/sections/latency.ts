import { withCrew } from '../crew.ts';
import { type ContenderName, type Figure, figure } from '../figure.ts';
import type { Section } from '../section.ts';
import { median } from '../stats.ts';
import { wrk } from '../wrk.ts';

const names: readonly ContenderName[] = ['direct', 'towline', 'ssh', 'autossh', 'tunnel-ssh'];
const seconds = 2;

/** What one patient client feels: request after request on one connection. */
export const latency: Section = {
  name: 'latency',
  what: 'request p50 and p99, 1 client, keep-alive',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      const figures: Figure[] = [];
      for (const [path, how] of [
        ['one', 'answer in one write'],
        ['two', 'answer in two writes'],
      ] as const) {
        const samples = await crew.rounds(names, bench.rounds, (contender, round) => {
          bench.say(`latency, ${how}, round ${round + 1}, ${contender.name}`);
          return wrk(contender.port, `/${path}`, 1, seconds, bench.signal);
        });
        const head = { unit: 'ms', digits: 2 };
        const id = `latency.${path}`;
        figures.push(
          figure({ ...head, id: `${id}.p50`, title: `p50, ${how}` }, samples, (list) =>
            median(list.map((one) => one.p50)),
          ),
          figure({ ...head, id: `${id}.p99`, title: `p99, ${how}` }, samples, (list) =>
            median(list.map((one) => one.p99)),
          ),
        );
      }
      return {
        figures,
        notes: [`latency: wrk -t1 -c1, ${seconds} s each, medians of ${bench.rounds}`, ...crew.notes()],
      };
    }),
};
