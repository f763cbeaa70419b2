import { setTimeout as sleep } from 'node:timers/promises';

import { firstAnswer } from '../client.ts';
import { withCrew } from '../crew.ts';
import { type ContenderName, type Figure, figure } from '../figure.ts';
import type { Section } from '../section.ts';
import { median } from '../stats.ts';

const names: readonly ContenderName[] = ['towline', 'ssh', 'autossh', 'tunnel-ssh'];
const kills = 10;
const patience = 10_000;

/** How soon a client is served after sshd's session was killed. */
export const killed: Section = {
  name: 'killed',
  what: 'time from a killed link to the first answered request, 10 times',
  run: (bench) =>
    withCrew(
      bench,
      async (crew) => {
        const samples = new Map<ContenderName, (number | null)[]>();
        for (const name of names) {
          const times: (number | null)[] = [];
          const tried = await crew.rounds([name], kills, async (contender, kill) => {
            if (times.includes(null)) return;
            bench.say(`killed, ${name}, ${kill + 1} of ${kills}`);
            bench.arena.sshd.killSessions();
            times.push(await firstAnswer(contender.port, 10, patience));
            await sleep(1_000, undefined, { signal: bench.signal });
          });
          samples.set(name, tried.get(name)?.length === 0 ? [] : times);
          await crew.dismiss(name);
        }
        const head = { unit: 's', digits: 2 };
        const figures: Figure[] = [
          figure({ ...head, id: 'killed.median', title: 'killed session, median of 10' }, samples, said(median)),
          figure({ ...head, id: 'killed.worst', title: 'killed session, worst of 10' }, samples, said(worst)),
        ];
        return { figures, notes: [loopNote, ...crew.notes()] };
      },
      { loop: true },
    ),
};

/** Why the column of ssh is fair where links die. */
export const loopNote =
  'killed and outage: ssh -N -L alone never comes back; here it runs in `while :; do ssh ...; sleep 0.2; done`';

const worst = (values: readonly number[]): number => Math.max(...values);

const said =
  (of: (values: readonly number[]) => number) =>
  (times: readonly (number | null)[]): number | string => {
    const value = of(times.map((time) => time ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(value) ? value / 1_000 : `never in ${patience / 1_000} s`;
  };
