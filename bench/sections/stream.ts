import { Fault } from '../../src/core/model/fault.ts';
import { withCrew } from '../crew.ts';
import { type ContenderName, type Figure, figure } from '../figure.ts';
import { cpuSeconds } from '../proc.ts';
import { load } from '../run.ts';
import type { Section } from '../section.ts';
import { gigabits, median } from '../stats.ts';

const names: readonly ContenderName[] = ['direct', 'towline', 'ssh', 'ssh aes128-gcm', 'autossh', 'tunnel-ssh'];
const bytes = 400_000_000;

/** One long stream, and what it costs the forwarding client. */
export const stream: Section = {
  name: 'stream',
  what: 'one stream up and one down, and CPU seconds per GB of the forwarding processes',
  run: (bench) =>
    withCrew(bench, async (crew) => {
      const figures: Figure[] = [];
      for (const way of ['up', 'down'] as const) {
        const samples = await crew.rounds(names, bench.rounds, async (contender, round) => {
          bench.say(`stream ${way}, round ${round + 1}, ${contender.name}`);
          const before = cpuSeconds(contender.pids());
          const result = await load(way, [contender.port, bytes], bench.signal);
          if (result('short') > 0) {
            throw new Fault('LINK_LOST', `a stream ${way} lost ${result('short')} of ${bytes} bytes; see its log`);
          }
          const cpu = (cpuSeconds(contender.pids()) - before) / (bytes / 1e9);
          return { speed: gigabits(bytes, result('ms')), cpu };
        });
        figures.push(
          figure({ id: `stream.${way}`, title: `one stream ${way}`, unit: 'Gbit/s', digits: 2 }, samples, (list) =>
            median(list.map((one) => one.speed)),
          ),
        );
        samples.delete('direct');
        figures.push(
          figure({ id: `cpu.${way}`, title: `CPU of the client, ${way}`, unit: 's/GB', digits: 2 }, samples, (list) =>
            median(list.map((one) => one.cpu)),
          ),
        );
      }
      const note = `stream: ${bytes / 1e6} MB each, own client process as source and sink, medians of ${bench.rounds}`;
      return { figures, notes: [note, ...crew.notes()] };
    }),
};
