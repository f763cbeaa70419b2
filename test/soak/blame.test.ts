import { test } from 'tap';
import type { Event } from '../../src/core/model/event.ts';
import { Blame } from './blame.ts';
import type { Deed, Planned } from './plan.ts';
import type { SoakRelay } from './world.ts';

// The judge of a soak must be able to find somebody guilty.

const relays: readonly SoakRelay[] = [0, 1, 2, 3].map((host) => ({ name: `r${host}`, host, kind: 'local', port: 1 }));
const [r0, r1, , r3] = relays;
if (r0 === undefined || r1 === undefined || r3 === undefined) throw new Error('no relays');

const plan = (deed: Deed, over: Partial<Planned> = {}): Planned => {
  return { deed, at: 0, lasts: 0, host: 1, relay: 1, chance: 0, ...over };
};
const event = (fact: object, at = Date.now()) => ({ id: 1, at, lane: 0, ...fact }) as unknown as Event;
const lane = (relay: string, at: string, when?: number) =>
  event({ type: 'lane.changed', relay, state: { at, beside: null } }, when);
const ended = (pid: number, code: string) =>
  event({ type: 'worker.ended', relay: 'r1', pid, fault: { code, message: 'it ended' } });

test('a link that is lost without a deed at its own host is told, and one that a deed explains is not', (t) => {
  const blame = new Blame(relays);
  for (const { name } of relays) blame.hear(lane(name, 'up'));
  blame.begin(plan('kill-sessions'))([]);
  for (const { name } of relays) blame.hear(lane(name, 'dialing'));
  blame.hear(event({ type: 'link.doubted', relay: 'r2', fault: { code: 'LINK_SILENT', message: 'no answer' } }));
  const without = (name: string) => `${name} lost its link, and is dialing without a fault`;
  t.same(
    blame.unexplained().map((told) => told.replace(/, [^ ]*Z$/, '')),
    [without('r0'), without('r2'), without('r3'), 'r2 doubted its link: no answer without a fault'],
  );
  t.same(blame.unexplained(), [], 'it is told once');
  t.end();
});

test('a deed explains nothing that comes long after it, and what costs nobody anything explains nothing', (t) => {
  const blame = new Blame(relays);
  const now = Date.now();
  blame.begin(plan('reset-road'))([]);
  for (const deed of ['reload', 'sshd-reload', 'crowd'] as const) blame.begin(plan(deed, { host: 3, relay: 3 }))([]);
  t.equal(blame.excuses(r1, now + 4_000), true);
  t.equal(blame.excuses(r1, now + 6_000), false);
  t.equal(blame.excuses(r3, now), false);
  t.end();
});

test('a client is excused while its relay is not well, and for a moment', (t) => {
  const blame = new Blame(relays);
  const now = Date.now();
  blame.hear(lane('r0', 'waiting', now - 60_000));
  t.equal(blame.excuses(r0, now), true);
  blame.hear(lane('r0', 'up', now - 2_000));
  t.equal(blame.excuses(r0, now), true);
  t.equal(blame.excuses(r0, now + 2_000), false);
  t.end();
});

test('a link is lost when its worker ends, however late the next one dials', (t) => {
  const blame = new Blame(relays);
  const now = Date.now();
  for (const late of [0, 6_000]) {
    blame.hear(lane('r1', 'up', now - 1));
    blame.begin(plan('kill-worker'))([11]);
    blame.hear({ ...ended(11, 'WORKER_FAILED'), at: Date.now() } as Event);
    blame.hear(lane('r1', 'dialing', Date.now() + late));
    t.same(blame.unexplained(), [], `${late} ms later`);
  }
  blame.hear(lane('r1', 'up', now + 7_000));
  blame.hear(lane('r1', 'dialing', now + 8_000));
  t.match(blame.unexplained(), [/^r1 lost its link/], 'and another time it is not');
  t.end();
});

test('a client is excused while the worker of its relay is gone, however late the next one dials', (t) => {
  const blame = new Blame(relays);
  const now = Date.now();
  blame.hear(lane('r1', 'up', now - 60_000));
  blame.hear({ ...ended(11, 'WORKER_FAILED'), at: now - 20_000 } as Event);
  t.equal(blame.excuses(r1, now), true);
  t.equal(blame.excuses(r0, now), false);
  blame.hear(lane('r1', 'dialing', now + 1_000));
  blame.hear(lane('r1', 'up', now + 2_000));
  t.equal(blame.excuses(r1, now + 6_000), false);
  t.end();
});

test('a worker may end by the deed that was done to it, and by no other', (t) => {
  const blame = new Blame(relays);
  blame.begin(plan('kill-worker'))([11]);
  blame.begin(plan('freeze-worker', { lasts: 7_000 }))([12]);
  for (const [pid, code] of [
    [11, 'WORKER_FAILED'],
    [12, 'WORKER_HUNG'],
    [12, 'WORKER_FAILED'],
    [13, 'WORKER_FAILED'],
    [14, 'WORKER_HUNG'],
    [15, 'WORKER_BLOATED'],
  ] as const) {
    blame.hear(ended(pid, code));
    const told = pid > 12 || (pid === 12 && code === 'WORKER_FAILED');
    t.same(
      blame.unexplained(),
      told ? [`worker ${pid} ended without a fault: it ended [${code}]`] : [],
      `${pid} ${code}`,
    );
  }
  t.end();
});
