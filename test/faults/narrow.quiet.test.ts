import tap, { test } from 'tap';
import { noNamespaces } from '../fixtures/namespace.ts';
import { measured } from './measure.ts';
import { shaken } from './link-scene.ts';
import { beside, startNarrowRoad } from './narrow-road.ts';

tap.jobs = 2;
const parallel = () => ({ buffered: true, skip: noNamespaces });
const time = 20_000;
const kib = (bytes: number): string => `${Math.round(bytes / 1024)}KiB`;

test('beside an upload and a download at 1 Mbit/s a word is back sooner than over ssh', parallel(), async (t) => {
  const road = await startNarrowRoad(t, '1mbit', '400ms');
  const loads = { up: 1, down: 1 };
  const paths = await road.towline();
  const at = paths.relays.events.length;
  const ours = await beside(road, paths, loads, time);
  t.same(paths.relays.events.slice(at).filter(shaken), [], 'a full pipe costs no link, and no second login');
  const theirs = await beside(road, await road.ssh(), loads, time);
  for (const [who, { trips, up, down }] of [
    ['towline', ours],
    ['ssh', theirs],
  ] as const) {
    const { median, longest } = trips;
    measured(t, `1 Mbit/s, ${who}`, { median, longest, up: up.map(kib).join(), down: down.map(kib).join() });
  }
  t.ok(ours.trips.median < 3_000, `${ours.trips.median} ms`);
  t.ok(ours.trips.median <= theirs.trips.median, `${ours.trips.median} ms, and ${theirs.trips.median} ms over ssh`);
  // A third of the line each way: neither starves the other.
  for (const bytes of [...ours.up, ...ours.down]) t.ok(bytes > (125 * time) / 3, kib(bytes));
});

test('four uploads share 1 Mbit/s, and so do four downloads', parallel(), async (t) => {
  const road = await startNarrowRoad(t, '1mbit', '400ms');
  const paths = await road.towline();
  const at = paths.relays.events.length;
  const up = await beside(road, paths, { up: 4, down: 0 }, time);
  const down = await beside(road, paths, { up: 0, down: 4 }, time);
  for (const [what, trips, shares] of [
    ['uploads', up.trips, up.up],
    ['downloads', down.trips, down.down],
  ] as const) {
    const { median, longest } = trips;
    measured(t, `1 Mbit/s, 4 ${what}`, { median, longest, shares: shares.map(kib).join() });
    t.ok(Math.max(...shares) <= 2 * Math.min(...shares), shares.map(kib).join());
    t.ok(median < 3_000, `${median} ms`);
  }
  t.same(paths.relays.events.slice(at).filter(shaken), [], 'a full pipe costs no link, and no second login');
});
