import { setTimeout as sleep } from 'node:timers/promises';

import { ask, firstAnswer } from '../client.ts';
import type { Contender } from '../contender.ts';
import { withCrew } from '../crew.ts';
import { type ContenderName, figure } from '../figure.ts';
import type { Section } from '../section.ts';
import { loopNote } from './killed.ts';

const names: readonly ContenderName[] = ['towline', 'ssh', 'autossh', 'tunnel-ssh'];
const short = { ms: 5_000, every: 100, patience: 12_000 };
const long = { ms: 30_000, patience: 60_000 };

/** sshd goes away, listener and sessions, and comes back. */
export const outage: Section = {
  name: 'outage',
  what: 'failed client connects in a 5 s outage of sshd; time to the first answer after 30 s of it',
  run: (bench) =>
    withCrew(
      bench,
      async (crew) => {
        const { sshd } = bench.arena;
        const gather = async (): Promise<Contender[]> => {
          const up = await crew.rounds(names, 1, async (contender) => contender);
          // All contenders share one outage; each has lived long enough to count as connected.
          await sleep(2_000, undefined, { signal: bench.signal });
          return [...up.values()].flat();
        };
        bench.say(`outage of ${short.ms / 1_000} s`);
        const first = await gather();
        await sshd.stop();
        const back = sleep(short.ms, undefined, { signal: bench.signal }).then(() => sshd.start());
        const [failures] = await Promise.all([Promise.all(first.map(failedConnects)), back]);
        const failed = new Map(names.map((name) => [name, failures.filter((one) => one.name === name)]));

        for (const name of names) await crew.dismiss(name);
        bench.say(`outage of ${long.ms / 1_000} s`);
        const second = await gather();
        await sshd.stop();
        await sleep(long.ms, undefined, { signal: bench.signal });
        await sshd.start();
        const returns = await Promise.all(
          second.map(async ({ name, port }) => ({ name, ms: await firstAnswer(port, 20, long.patience) })),
        );
        const returned = new Map(names.map((name) => [name, returns.filter((one) => one.name === name)]));
        return {
          figures: [
            figure(
              { id: 'outage.failed', title: 'failed of 50 connects in a 5 s outage', unit: '', digits: 0 },
              failed,
              ([one]) => one?.failed ?? 'failed',
            ),
            figure(
              { id: 'outage.return', title: 'first answer after 30 s outage', unit: 's', digits: 2 },
              returned,
              ([one]) =>
                one === undefined || one.ms === null ? `never in ${long.patience / 1_000} s` : one.ms / 1_000,
            ),
          ],
          notes: [
            `outage: one new client each ${short.every} ms with ${short.patience / 1_000} s patience; clients of the long outage come from sshd's return on, one each 20 ms`,
            loopNote,
            ...crew.notes(),
          ],
        };
      },
      { loop: true },
    ),
};

async function failedConnects({ name, port }: Contender): Promise<{ name: ContenderName; failed: number }> {
  const clients: Promise<boolean>[] = [];
  for (let sent = 0; sent < short.ms / short.every; sent += 1) {
    clients.push(ask(port, short.patience));
    await sleep(short.every);
  }
  return { name, failed: (await Promise.all(clients)).filter((answered) => !answered).length };
}
