import { test } from 'tap';
import { noNamespaces } from '../fixtures/namespace.ts';
import { measured } from './measure.ts';
import { beside, startNarrowRoad } from './narrow-road.ts';

const half = 20_000;
for (const latency of (process.env['LAT'] ?? '400ms,4s').split(','))
  test(`${latency}`, { skip: noNamespaces }, async (t) => {
    const road = await startNarrowRoad(t, process.env['RATE'] ?? '1mbit', latency);
    for (const who of (process.env['WHO'] ?? 'towline,ssh').split(',')) {
      const paths = await (who === 'ssh' ? road.ssh() : road.towline());
      const one = await beside(road, paths, { up: 1, down: 1 }, half);
      measured(t, `${who} 1+1`, {
        median: one.trips.median,
        longest: one.trips.longest,
        n: String(one.trips.count),
        up: one.up.join(),
        down: one.down.join(),
      });
      const four = await beside(road, paths, { up: 4, down: 0 }, half);
      measured(t, `${who} 4+0`, {
        median: four.trips.median,
        longest: four.trips.longest,
        n: String(four.trips.count),
        up: four.up.join(),
      });
      const fourd = await beside(road, paths, { up: 0, down: 4 }, half);
      measured(t, `${who} 0+4`, {
        median: fourd.trips.median,
        longest: fourd.trips.longest,
        n: String(fourd.trips.count),
        down: fourd.down.join(),
      });
    }
  });
