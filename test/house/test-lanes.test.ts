import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';

interface Pool {
  readonly few: number;
  readonly many: number;
  readonly idle: number;
  readonly look: number;
  readonly mayJoin: (one: string, running: readonly string[]) => boolean;
}

interface Lanes {
  inLanes(work: readonly string[], jobs: number, run: (one: string) => Promise<void>): Promise<void>;
  inPool(work: readonly string[], pool: Pool, run: (one: string) => Promise<void>): Promise<void>;
}

const lanes = (): Promise<Lanes> => import(pathToFileURL(join(process.cwd(), 'scripts/test-lanes.mjs')).href);
const work = ['e1', 'e2', 'e3', 'a', 'b', 'c', 'd', 'e4', 'f'];
const isEngine = (one: string) => /^e\d/.test(one);

/** Each runs until so many do, or none is left to begin. */
function account(until: number) {
  const ran: string[] = [];
  const running = new Map<string, () => void>();
  const most = { all: 0, engine: 0 };
  const run = (one: string) =>
    new Promise<void>((resolve) => {
      ran.push(one);
      running.set(one, resolve);
      most.all = Math.max(most.all, running.size);
      most.engine = Math.max(most.engine, [...running.keys()].filter(isEngine).length);
      if (running.size < until && ran.length < work.length) return;
      for (const end of running.values()) end();
      running.clear();
    });
  return { ran, most, run };
}

test('the pool runs everything once, and so many at once as the machine has time for', async (t) => {
  const { inPool } = await lanes();
  const mayJoin = (one: string, running: readonly string[]) => !isEngine(one) || running.filter(isEngine).length < 2;
  for (const [idle, most] of [
    // More than all of its time: never.
    [2, 3],
    [-1, 5],
  ] as const) {
    const all = account(most);
    await inPool(work, { few: 3, many: 5, idle, look: 1, mayJoin }, all.run);
    t.same([...all.ran].sort(), [...work].sort());
    t.same(all.most, { all: most, engine: 2 });
  }
});

test('lanes run everything once, in its order', async (t) => {
  const { inLanes } = await lanes();
  const all = account(2);
  await inLanes(work, 2, all.run);
  t.same(all.ran, work);
  t.equal(all.most.all, 2);
});
