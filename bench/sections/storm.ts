import { withCrew } from '../crew.ts';
import { figure } from '../figure.ts';
import { load } from '../run.ts';
import type { Section } from '../section.ts';

const count = 3_000;
const patience = 20_000;

/** Very many clients in the same moment, through one connected relay. */
export const storm: Section = {
  name: 'storm',
  what: '3,000 connections opened at once through one relay',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      const names = ['direct', 'towline', 'ssh', 'autossh', 'tunnel-ssh'] as const;
      const samples = await crew.rounds(names, 1, async (contender) => {
        bench.say(`storm, ${contender.name}`);
        const result = await load('storm', [contender.port, count, patience], bench.signal);
        await crew.dismiss(contender.name);
        return { failed: result('failed'), seconds: result('ms') / 1_000 };
      });
      return {
        figures: [
          figure(
            { id: 'storm.failed', title: 'failed of 3,000 at once', unit: '', digits: 0 },
            samples,
            ([one]) => one?.failed ?? 'failed',
          ),
          figure(
            { id: 'storm.time', title: '3,000 at once, all done', unit: 's', digits: 2 },
            samples,
            ([one]) => one?.seconds ?? 'failed',
          ),
        ],
        notes: [`storm: own client process, each connection waits ${patience / 1_000} s at most`, ...crew.notes()],
      };
    }),
};
