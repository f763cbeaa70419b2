import { setTimeout as sleep } from 'node:timers/promises';

import { withCrew } from '../crew.ts';
import { type ContenderName, type Figure, figure } from '../figure.ts';
import { pss } from '../proc.ts';
import type { Section } from '../section.ts';

const names: readonly ContenderName[] = ['towline', 'ssh', 'autossh', 'tunnel-ssh'];
const settle = 2_000;

/** What a relay costs that nobody uses. */
export const memory: Section = {
  name: 'memory',
  what: 'memory (PSS) of an idle relay, its whole process tree',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      bench.say('memory');
      for (const name of names) await crew.rounds([name], 1, async () => undefined);
      await sleep(settle, undefined, { signal: bench.signal });
      const samples = await crew.rounds(names, 1, async (contender) => {
        const [first = 0, ...rest] = contender.pids();
        return { all: pss([first, ...rest]) / 1e6, first: pss([first]) / 1e6, rest: pss(rest) / 1e6 };
      });
      const head = { unit: 'MB', digits: 1 };
      const towline = new Map([['towline' as const, samples.get('towline') ?? []]]);
      const figures: Figure[] = [
        figure(
          { ...head, id: 'memory.all', title: 'memory of an idle relay' },
          samples,
          ([one]) => one?.all ?? 'failed',
        ),
        figure({ ...head, id: 'memory.supervisor', title: '  supervisor' }, towline, ([one]) => one?.first ?? 'failed'),
        figure({ ...head, id: 'memory.worker', title: '  worker' }, towline, ([one]) => one?.rest ?? 'failed'),
      ];
      const note = 'memory: PSS; Node programs share their pages with the bench and each other, alone they show more';
      return { figures, notes: [note, ...crew.notes()] };
    }),
};
