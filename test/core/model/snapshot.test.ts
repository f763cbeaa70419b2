import { test } from 'tap';
import type { Fact } from '../../../src/core/model/event.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { emptySnapshot, fold } from '../../../src/core/model/snapshot.ts';
import { bestLane, standing } from '../../../src/core/model/standing.ts';
import type { BackingState, Beside, LaneState } from '../../../src/core/model/state.ts';

const relay = 'r';
const none = { of: 'none', count: 0, flaps: 0 } as const;
const lost = new Fault('LINK_LOST', 'gone').report();
const taken = new Fault('LISTEN_TAKEN', '127.0.0.1:1 is in use').report();
const policy = new Fault('FORWARDING_REFUSED', 'h refuses').report();
const listen = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;
const target = { kind: 'tcp', host: '127.0.0.1', port: 2 } as const;

const declared = (forwards = 1, lanes = 1, probed = true): Fact[] => [
  {
    type: 'relay.declared',
    relay,
    host: 'h',
    lanes,
    forwards: Array.from({ length: forwards }, () => ({ kind: 'local' as const, listen, target, probed })),
  },
  { type: 'relay.started', relay },
];
const lane = (state: LaneState, index = 0): Fact => ({ type: 'lane.changed', relay, lane: index, state });
const up = (index = 0): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries: none, backing: null, beside: null, vain: [] }, index);
const bring = (backing: BackingState, index = 0): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries: none, backing, beside: null, vain: [] }, index);
/** Over a link over which it never came. */
const bare = (backing: BackingState, kept: readonly number[], index = 0): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries: none, backing, kept, beside: null, vain: [] }, index);
const doubt = (beside: Beside, index = 0): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries: none, backing: null, beside, vain: [] }, index);
const silent = new Fault('LINK_SILENT', 'no answer').report();
const asked: Beside = { at: 'doubting', where: 'h', since: 0, until: 9 };
const second: Beside = { at: 'dialing', why: silent, attempt: 1, tries: none };
const trying: BackingState = { at: 'trying', tries: none };
const first: BackingState = { at: 'trying', tries: none, fresh: true };
const missing: BackingState = {
  at: 'blocked',
  tries: none,
  until: 9,
  fault: new Fault('LAUNCH_FAILED', 'exit code 1').report(),
};
const dialing = lane({ at: 'dialing', attempt: 1, tries: none, before: false });
const waiting = lane({ at: 'waiting', attempt: 1, tries: none, from: 0, until: 9, fault: lost, before: true });
const blocked = lane({
  at: 'blocked',
  attempt: 1,
  tries: none,
  until: null,
  fault: new Fault('HOST_KEY_CHANGED', 'changed').report(),
  before: false,
});
const bound = (forward = 0): Fact => ({ type: 'listener.bound', relay, forward, listen });
const judged = (
  judgement: 'well' | 'unwell' | 'unverified',
  fault: typeof lost | null = null,
  forward = 0,
  lane = 0,
): Fact => ({
  type: 'forward.judged',
  relay,
  lane,
  forward,
  judgement,
  fault,
  rtt: 1,
});

function word(facts: readonly Fact[]): string {
  let snapshot = emptySnapshot;
  facts.forEach((fact, index) => {
    snapshot = fold(snapshot, { ...fact, id: index + 1, at: index });
  });
  const folded = snapshot.relays[relay];
  if (folded === undefined) throw new Error('the relay is missing');
  const { word: said, fault } = standing(folded);
  return fault === null ? said : `${said} ${fault.code}`;
}

const rows: readonly (readonly [string, readonly Fact[], string])[] = [
  ['declared only', declared().slice(0, 1), 'offline'],
  ['started', declared(), 'connecting'],
  ['dialing', [...declared(), bound(), dialing], 'connecting'],
  ['up, no probe has answered', [...declared(), bound(), up()], 'connecting'],
  ['up and well', [...declared(), bound(), up(), judged('well')], 'connected'],
  ['up, nobody asks more', [...declared(1, 1, false), bound(), up(), judged('unverified')], 'connected'],
  ['the probe says no', [...declared(), bound(), up(), judged('unwell', lost)], 'degraded LINK_LOST'],
  [
    'the listener is taken',
    [...declared(), { type: 'listener.failed', relay, forward: 0, fault: taken }, up(), judged('well')],
    'degraded LISTEN_TAKEN',
  ],
  [
    'one forward of two is forbidden',
    [...declared(2), bound(0), bound(1), up(), judged('well'), judged('unwell', policy, 1)],
    'degraded FORWARDING_REFUSED',
  ],
  ['never connected and waiting', [...declared(), bound(), waiting], 'connecting LINK_LOST'],
  [
    'it was connected, the link is gone',
    [...declared(), bound(), up(), judged('well'), waiting],
    'reconnecting LINK_LOST',
  ],
  [
    'the judgement of the last link does not outlive it',
    [...declared(), bound(), up(), judged('well'), waiting, dialing, up()],
    'reconnecting',
  ],
  ['blocked', [...declared(), bound(), blocked], 'blocked HOST_KEY_CHANGED'],
  ['one lane of two is blocked, the other on its way', [...declared(1, 2), bound(), blocked], 'connecting'],
  ['one lane of two is up', [...declared(1, 2), bound(), up(1), judged('well', null, 0, 1), dialing], 'connected'],
  [
    'the judgement of a lane goes with it',
    [
      ...declared(1, 2),
      bound(),
      up(0),
      up(1),
      judged('well'),
      judged('unwell', lost, 0, 1),
      lane({ at: 'waiting', attempt: 1, tries: none, from: 0, until: 9, fault: lost, before: true }, 1),
    ],
    'connected',
  ],
  [
    'the better lane counts',
    [...declared(1, 2), bound(), up(0), up(1), judged('unwell', lost), judged('well', null, 0, 1)],
    'connected',
  ],
  [
    'a lane whose first check is to come counts less than one that is well',
    [...declared(1, 2), bound(), up(0), up(1), judged('well', null, 0, 1)],
    'connected',
  ],
  ['its backend is brought again', [...declared(), bound(), up(), judged('well'), bring(trying)], 'degraded'],
  [
    'its backend is brought again, before any check has answered',
    [...declared(), bound(), up(), bring(trying)],
    'degraded',
  ],
  [
    'its backend does not come',
    [...declared(), bound(), up(), judged('well'), bring(trying), bring(missing)],
    'degraded LAUNCH_FAILED',
  ],
  [
    'a backend does not come over a new link, another forward can be used',
    [...declared(2), bound(0), bound(1), bare(missing, [0]), judged('well', null, 1)],
    'degraded LAUNCH_FAILED',
  ],
  [
    'a backend does not come over a new link, and all lead to it',
    [...declared(), bound(), bare(missing, [0])],
    'blocked LAUNCH_FAILED',
  ],
  ['a backend is first brought over a new link', [...declared(2), bound(0), bound(1), bare(first, [0])], 'connecting'],
  [
    'nor is what is served meanwhile the whole of it',
    [...declared(2), bound(0), bound(1), bare(first, [0]), judged('well', null, 1)],
    'connecting',
  ],
  [
    'it is first brought over the next link',
    [...declared(), bound(), up(), judged('well'), dialing, bare(first, [0])],
    'reconnecting',
  ],
  [
    'the first try has failed, another forward can be used',
    [...declared(2), bound(0), bound(1), bare(first, [0]), judged('well', null, 1), bare(trying, [0])],
    'degraded',
  ],
  [
    'it is tried again over that link, and all lead to it',
    [...declared(), bound(), bare(missing, [0]), bare(trying, [0])],
    'connecting',
  ],
  [
    'all lead to it and it came before',
    [...declared(), bound(), up(), judged('well'), dialing, bare(trying, [0])],
    'degraded',
  ],
  [
    'one lane of two has given its backend up, the other is on its way',
    [
      ...declared(1, 2),
      bound(),
      bare(missing, [0]),
      lane({ at: 'dialing', attempt: 1, tries: none, before: false }, 1),
    ],
    'connecting LAUNCH_FAILED',
  ],
  [
    'both lanes have given it up',
    [...declared(1, 2), bound(), bare(missing, [0]), bare(missing, [0], 1)],
    'blocked LAUNCH_FAILED',
  ],
  [
    'its backend is there again',
    [...declared(), bound(), up(), judged('well'), bring(trying), bring(missing), up()],
    'connected',
  ],
  [
    'one lane of two has its backend',
    [...declared(1, 2), bound(), up(0), up(1), judged('well'), judged('unverified', null, 0, 1), bring(missing)],
    'connected',
  ],
  [
    'a lane that brings its backend is better than one that has given up',
    [...declared(1, 2), bound(), bring(missing), bring(trying, 1)],
    'degraded',
  ],
  ['its link is asked whether it lives', [...declared(), bound(), up(), judged('well'), doubt(asked)], 'connected'],
  [
    'its link does not answer, a second one is made',
    [...declared(), bound(), up(), judged('well'), doubt(second)],
    'degraded LINK_SILENT',
  ],
  [
    'the second one fails',
    [
      ...declared(),
      bound(),
      up(),
      judged('well'),
      doubt({ at: 'waiting', why: silent, attempt: 1, tries: none, from: 0, until: 9, fault: lost }),
    ],
    'degraded LINK_LOST',
  ],
  [
    'its backend would end with a link that does not answer',
    [...declared(), bound(), up(), judged('well'), doubt({ at: 'alone', why: silent })],
    'degraded LINK_SILENT',
  ],
  [
    'the second one has taken its place',
    [...declared(), bound(), up(), judged('well'), doubt(second), up(), { type: 'link.replaced', relay, lane: 0 }],
    'connected',
  ],
  [
    'one lane of two does not answer',
    [...declared(1, 2), bound(), up(0), up(1), judged('well'), judged('well', null, 0, 1), doubt(second)],
    'connected',
  ],
  [
    'a worker ended',
    [
      ...declared(),
      bound(),
      up(),
      judged('well'),
      { type: 'worker.ended', relay, lane: 0, pid: 1, fault: new Fault('WORKER_HUNG', 'hung').report(), until: null },
    ],
    'reconnecting WORKER_HUNG',
  ],
  [
    'a worker crashes again and again',
    [
      ...declared(),
      bound(),
      { type: 'worker.ended', relay, lane: 0, pid: 1, fault: new Fault('WORKER_CRASHING', 'again').report(), until: 9 },
    ],
    'blocked WORKER_CRASHING',
  ],
  ['stopping', [...declared(), bound(), up(), { type: 'relay.stopping', relay, why: 'x' }], 'draining'],
  [
    'stopped',
    [...declared(), bound(), up(), { type: 'relay.stopping', relay, why: 'x' }, { type: 'relay.stopped', relay }],
    'offline',
  ],
];

test('the word follows from the best lane and the worst forward', (t) => {
  for (const [name, facts, expected] of rows) t.equal(word(facts), expected, name);
  t.end();
});

test('clients go to a lane that answers: before one in doubt, and long before one that is silent', (t) => {
  const from = [...declared(1, 2), bound(), up(0), up(1), judged('well'), judged('well', null, 0, 1)];
  const best = (facts: readonly Fact[]) => {
    let snapshot = emptySnapshot;
    for (const [index, fact] of [...from, ...facts].entries())
      snapshot = fold(snapshot, { ...fact, id: index + 1, at: index });
    return bestLane(snapshot.relays[relay] ?? { lanes: [], forwards: [] });
  };
  t.equal(best([]), 0);
  t.equal(best([doubt(asked)]), 1);
  t.equal(best([doubt(asked), doubt(asked, 1)]), 0, 'all are: it stays');
  t.equal(best([doubt(second), judged('unwell', lost, 0, 1)]), 1);
  t.equal(best([doubt(second), bring(missing, 1)]), 1);
  t.equal(best([doubt(asked), judged('unwell', lost, 0, 1)]), 0);
  t.end();
});

test('a relay that is put back while it ends is shown as ending until it has ended', (t) => {
  let snapshot = emptySnapshot;
  const [declare = bound()] = declared(1, 2);
  const [known = bound()] = declared(1, 1);
  const shown = (facts: readonly Fact[]) => {
    for (const fact of facts) snapshot = fold(snapshot, { ...fact, id: snapshot.id + 1, at: snapshot.id });
    const found = snapshot.relays[relay];
    return found === undefined ? null : [standing(found).word, found.lanes.length];
  };
  const drain = lane({ at: 'draining', until: 9 });
  const [ended, stopped] = [lane({ at: 'ended' }), { type: 'relay.stopped', relay } as const];
  t.same(shown([known, { type: 'relay.started', relay }, bound(), up(), judged('well')]), ['connected', 1]);
  t.same(shown([{ type: 'relay.stopping', relay, why: 'it is no longer in the config' }, drain]), ['draining', 1]);
  t.same(shown([declare]), ['draining', 2], 'its connections go on, whatever the config says');
  t.same(shown([ended, stopped]), ['offline', 2]);
  t.end();
});

test('the last fault is kept after it is cured, with its time', (t) => {
  let snapshot = emptySnapshot;
  [...declared(), bound(), up(), waiting, up()].forEach((fact, index) => {
    snapshot = fold(snapshot, { ...fact, id: index + 1, at: index * 10 });
  });
  t.match(snapshot.relays[relay]?.lastFault, { code: 'LINK_LOST', at: 40 });
  // A link that had settled is dialed anew at once: only that attempt knows what ended the one before.
  const again = lane({ at: 'dialing', attempt: 1, tries: none, before: true, lost: policy });
  t.match(fold(snapshot, { ...again, id: 9, at: 90 }).relays[relay]?.lastFault, { code: policy.code, at: 90 });
  // A try to bring a backend has failed, and another one follows.
  const bringing = { number: 2, of: 5, fault: policy };
  const pause = { type: 'lane.advanced', relay, lane: 0, stage: 'pause', note: null, bringing } as const;
  t.match(fold(snapshot, { ...pause, id: 9, at: 90 }).relays[relay]?.lastFault, { code: policy.code, at: 90 });
  const next = { ...pause, stage: 'backend' } as const;
  t.match(fold(snapshot, { ...next, id: 9, at: 90 }).relays[relay]?.lastFault, { code: 'LINK_LOST', at: 40 });
  t.end();
});

test('how often a relay came back, and how soon, is kept; neither a stop nor a link that another lane stood in for is a loss', (t) => {
  const well = [bound(), up(), judged('well')];
  const again = [up(), judged('well')];
  const second = [up(1), judged('well', null, 0, 1)];
  const stop: readonly Fact[] = [
    { type: 'relay.stopping', relay, why: 'asked' },
    { type: 'relay.stopped', relay },
    { type: 'relay.started', relay },
  ];
  const table: readonly (readonly [string, readonly Fact[], object])[] = [
    ['never lost', [...declared(), ...well], { lostAt: null, count: 0, last: null }],
    ['lost, from the first word of it on', [...declared(), ...well, waiting, dialing], { lostAt: 50, count: 0 }],
    ['blocked by now', [...declared(), ...well, waiting, blocked], { lostAt: 50, count: 0 }],
    [
      'back when it is asked and well, not when the link is there',
      [...declared(), ...well, waiting, dialing, ...again],
      { lostAt: null, count: 1, last: { at: 80, took: 30 } },
    ],
    [
      'twice',
      [...declared(), ...well, waiting, ...again, waiting, ...again],
      { lostAt: null, count: 2, last: { at: 100, took: 20 } },
    ],
    [
      'stopped while it was lost',
      [...declared(), ...well, waiting, ...stop, ...well],
      { lostAt: null, count: 0, last: null },
    ],
    ['another lane', [...declared(1, 2), ...well, ...second, waiting, dialing, ...again], { lostAt: null, count: 0 }],
  ];
  for (const [name, facts, recovery] of table) {
    let snapshot = emptySnapshot;
    facts.forEach((fact, index) => {
      snapshot = fold(snapshot, { ...fact, id: index + 1, at: index * 10 });
    });
    t.match(snapshot.relays[relay]?.recovery, recovery, name);
  }
  t.end();
});

test('a relay whose person is asked says so, until he has answered', (t) => {
  const asked = { relay, lane: 0, kind: 'password', where: 'me@box:22', wish: 'a password', again: false } as const;
  const shown = (facts: readonly Fact[]): string => {
    let snapshot = emptySnapshot;
    for (const [index, fact] of [...declared(), dialing, ...facts].entries()) {
      snapshot = fold(snapshot, { ...fact, id: index + 1, at: index });
    }
    const folded = snapshot.relays[relay];
    return folded === undefined ? '' : standing(folded).reason;
  };
  const first: Fact = { type: 'question.asked', of: 'person', ...asked };
  t.equal(shown([first]), 'waiting for an answer, attempt 1');
  t.equal(shown([first, { type: 'question.answered', by: 'person', ...asked }]), 'authentication, attempt 1');
  t.equal(shown([first, { type: 'question.unanswered', why: 'late', ...asked }]), 'authentication, attempt 1');
  const passphrase = { ...asked, kind: 'passphrase' } as const;
  t.equal(shown([{ type: 'question.answered', by: 'memory', ...passphrase }]), 'starting, attempt 1');
  t.end();
});

test('a relay that changes keeps what is bound, at its new place, and loses what its links said', (t) => {
  const two = { kind: 'tcp', host: '127.0.0.1', port: 3 } as const;
  const now = { kind: 'local', listen: { ...listen, port: 0 }, target: two, probed: true } as const;
  const forwards = [
    { ...now, was: 1 },
    { ...now, was: null },
  ];
  const facts: readonly Fact[] = [
    ...declared(2),
    bound(1),
    up(),
    judged('well', null, 1),
    { type: 'relay.changed', relay, host: 'other', lanes: 2, forwards },
  ];
  const dated = facts.map((fact, index) => ({ ...fact, id: index + 1, at: 1 }));
  const found = dated.reduce(fold, emptySnapshot).relays[relay];
  t.match(found, {
    host: 'other',
    running: 'running',
    lanes: [{ state: { at: 'idle' } }, { state: { at: 'idle' } }],
    forwards: [
      { bound: true, listen, target: two, judgement: 'pending' },
      { bound: false, listen: { port: 0 }, judgement: 'pending' },
    ],
  });
  t.equal(found?.forwards.length, 2);
  t.end();
});

test('what a lane says of a listener on the other side is about no listener of this machine', (t) => {
  const there = { ...listen, port: 9 };
  const facts: readonly Fact[] = [
    ...declared(),
    bound(),
    { type: 'remote.bound', relay, lane: 0, forward: 0, listen: there },
    { type: 'remote.failed', relay, lane: 0, forward: 0, fault: taken },
  ];
  const found = facts.map((fact, index) => ({ ...fact, id: index + 1, at: 1 })).reduce(fold, emptySnapshot).relays[
    relay
  ];
  t.match(found, {
    forwards: [{ bound: true, boundBy: null, listenFault: null, listen }],
    lastFault: { code: taken.code },
  });
  t.end();
});

test('a config that is not taken over is told until it is, and a removed relay is gone', (t) => {
  const news = { added: ['x'], removed: [], changed: [], ended: [] };
  const facts: readonly Fact[] = [
    ...declared(),
    { type: 'config.refused', fault: lost },
    { type: 'config.differs', ...news, cuts: [relay] },
    { type: 'config.reloaded', ...news },
    { type: 'relay.removed', relay },
  ];
  const all = facts.map((_, index) =>
    facts
      .slice(0, index + 1)
      .map((fact, at) => ({ ...fact, id: at + 1, at: 1 }))
      .reduce(fold, emptySnapshot),
  );
  t.strictSame(
    all.slice(2).map(({ pending }) => pending),
    [{ fault: lost }, { fault: null, ...news, cuts: [relay] }, null, null],
  );
  t.strictSame(Object.keys(all[3]?.relays ?? {}), [relay]);
  t.strictSame(all.at(-1)?.relays, {});
  t.end();
});

test('how far a launch is stays known while its link is doubted and trusted again, and is forgotten when it is over', (t) => {
  const bringing = { number: 2, of: 5, fault: null };
  const progress: Fact = { type: 'lane.advanced', relay, lane: 0, stage: 'backend', note: 'half way', bringing };
  const seen = (...more: readonly Fact[]) => {
    const facts = [...declared(), bring(first), progress, ...more];
    const last = facts.reduce((all, fact, at) => fold(all, { ...fact, id: at + 1, at: at * 1_000 }), emptySnapshot);
    return last.relays[relay]?.lanes[0];
  };
  const known = { stage: 'backend', note: 'half way', bringing: { number: 2, since: 3_000 } };
  t.match(seen(lane({ at: 'up', since: 0, attempt: 1, tries: none, backing: first, beside: asked, vain: [] })), known);
  t.match(seen(bring(trying)), known);
  for (const over of [up(), bring(missing), waiting, dialing]) {
    t.match(seen(over), { stage: null, note: null, staged: null, bringing: null });
  }
  t.end();
});

test('the last fault of a forward goes with it, and stays while it leads where it did', (t) => {
  const change = (forwards: readonly { was: number | null; port: number }[]): Fact => ({
    type: 'relay.changed',
    relay,
    host: 'h',
    lanes: 1,
    forwards: forwards.map(({ was, port }) => ({
      kind: 'local',
      listen,
      target: { ...target, port },
      probed: true,
      was,
    })),
  });
  const last = (...facts: readonly Fact[]) =>
    facts.reduce((all, fact, at) => fold(all, { ...fact, id: at + 1, at }), emptySnapshot).relays[relay]?.lastFault;
  const before = [...declared(2), bound(0), bound(1), up(), judged('unwell', policy, 1)];
  t.match(last(...before), { code: 'FORWARDING_REFUSED', forward: 1 });
  t.equal(last(...before, change([{ was: 0, port: 3 }])), null, 'it was removed');
  t.equal(
    last(
      ...before,
      change([
        { was: 0, port: 2 },
        { was: 1, port: 3 },
      ]),
    ),
    null,
    'it leads elsewhere',
  );
  t.match(last(...before, change([{ was: 1, port: 2 }])), { code: 'FORWARDING_REFUSED', forward: 0 }, 'it moved');
  t.match(
    last(...declared(), bound(), waiting, change([{ was: null, port: 3 }])),
    { code: 'LINK_LOST' },
    'a link failed',
  );
  const gone = new Fault('RELAY_STOPPED', 'its forward was taken out').report();
  t.match(
    last(...before, { type: 'connection.refused', relay, forward: 1, fault: gone, count: 1 }, change([])),
    { code: 'RELAY_STOPPED', forward: undefined },
    'who waited there is told of as it goes',
  );
  t.end();
});

test('a circle is one only where the listener is ours', (t) => {
  const loop = new Fault('TARGET_LOOP', 'its own listener').report();
  const failed: Fact = { type: 'listener.failed', relay, forward: 0, fault: taken };
  const before = [...declared(), failed, up(), judged('unwell', loop)];
  const seen = (...facts: readonly Fact[]) =>
    facts.reduce((all, fact, at) => fold(all, { ...fact, id: at + 1, at }), emptySnapshot).relays[relay];
  t.match(seen(...before), {
    lastFault: { code: 'LISTEN_TAKEN' },
    forwards: [{ judgement: 'pending', judgeFault: null }],
  });
  t.equal(word([...before, bound()]), 'degraded TARGET_LOOP', 'it is ours now');
  t.match(seen(...declared(), bound(), up(), judged('unwell', loop)), { lastFault: { code: 'TARGET_LOOP' } });
  t.end();
});
