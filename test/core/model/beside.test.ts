import { test } from 'tap';
import { newsOfDoubt } from '../../../src/core/model/beside.ts';
import { Fault, type FaultReport } from '../../../src/core/model/fault.ts';
import type { LaneInput, LanePolicy, Up } from '../../../src/core/model/lane-step.ts';
import type { LaneState } from '../../../src/core/model/state.ts';
import { step } from '../../../src/core/model/step.ts';

const now = 1_000_000;
const policy: LanePolicy = {
  settle: 30_000,
  drain: 10_000,
  replaceable: true,
  retired: false,
  useful: true,
  random: 0.5,
};
const none = { of: 'none', count: 0, flaps: 0 } as const;
const report = (code: ConstructorParameters<typeof Fault>[0]): FaultReport => new Fault(code, 'why').report();
const settled: Up = {
  at: 'up',
  since: now - 60_000,
  attempt: 3,
  tries: none,
  backing: null,
  beside: null,
  vain: [],
};
const young: Up = { ...settled, since: now - 1_000, tries: { of: 'flap', count: 2, flaps: 2 } };
const suspected: LaneInput = { type: 'suspected', where: 'me@box:22', since: now - 1_000, patience: 2_000, gone: null };
const lost: LaneInput = { type: 'lost', fault: report('LINK_SILENT') };

/** Up, and a second link being dialed; `at` is when that began. */
function dialing(from: Up, at = now + 2_000): Up {
  const doubted = step(from, suspected, now, policy).state;
  return up(step(doubted, { type: 'beside-timer' }, at, policy).state);
}

function up(state: LaneState): Up {
  if (state.at !== 'up') throw new Error(`not up but ${state.at}`);
  return state;
}

test('a doubt that is over within its patience dials nobody and is no news', (t) => {
  const { state, effects } = step(settled, suspected, now, policy);
  t.same(effects, [{ do: 'arm-beside', at: now + 2_000 }]);
  t.equal(newsOfDoubt(settled, state), null);
  const trusted = step(state, { type: 'trusted' }, now + 100, policy);
  t.same(trusted.effects, [{ do: 'disarm-beside' }]);
  t.same(trusted.state, settled);
  t.equal(newsOfDoubt(state, trusted.state), null);
  t.end();
});

test('a link without an answer is told with how long, who waits goes back, and a second one is dialed', (t) => {
  const doubted = step(settled, suspected, now, policy).state;
  const { state, effects } = step(doubted, { type: 'beside-timer' }, now + 2_000, policy);
  t.same(effects, [{ do: 'yield' }, { do: 'dial-beside', forced: false }]);
  t.match(newsOfDoubt(doubted, state), {
    news: 'doubted',
    fault: {
      code: 'LINK_SILENT',
      message: 'nothing was heard from me@box:22 for 3 s; a second link is made beside the first',
    },
  });
  const replaced = step(state, { type: 'replaced' }, now + 2_100, policy);
  t.same(replaced.effects, [{ do: 'retire' }]);
  t.match(replaced.state, { at: 'up', since: now + 2_100, attempt: 1, beside: null, vain: [] });
  t.same(newsOfDoubt(state, replaced.state), { news: 'replaced', fault: null });
  const answered = step(state, { type: 'trusted' }, now + 2_100, policy);
  t.same(newsOfDoubt(state, answered.state), { news: 'answered', fault: null });
  t.end();
});

test('each second link that was begun in vain doubles the patience of the next doubt, for ten minutes; after three of them none is begun', (t) => {
  let state: Up = settled;
  const waits: number[] = [];
  let dials = 0;
  let alone = 0;
  let at = now;
  for (let n = 0; n < 4; n += 1) {
    const doubted = up(step(state, suspected, at, policy).state);
    if (doubted.beside?.at !== 'doubting') throw new Error('no doubt');
    waits.push(doubted.beside.until - at);
    at = doubted.beside.until;
    const dialed = step(doubted, { type: 'beside-timer' }, at, policy).state;
    if (up(dialed).beside?.at === 'dialing') dials += 1;
    const { beside } = up(dialed);
    if (beside?.at === 'alone' && /3 second links were made in vain lately/.test(beside.why.message)) alone += 1;
    state = up(step(dialed, { type: 'trusted' }, at + 500, policy).state);
    at += 1_000;
  }
  t.same(waits, [2_000, 4_000, 8_000, 16_000]);
  t.equal(dials, 3, 'a fourth handshake that is given up would be the last one that fail2ban allows');
  t.equal(alone, 1);
  const later = up(step(state, suspected, at + 600_000, policy).state);
  t.match(later.beside, { at: 'doubting', until: at + 602_000 });
  t.same(later.vain, []);
  t.end();
});

test('where the address of this machine is gone a second link is dialed without patience', (t) => {
  const { state, effects } = step(settled, { ...suspected, gone: '10.0.0.7' }, now, policy);
  t.same(effects, [{ do: 'yield' }, { do: 'dial-beside', forced: false }]);
  t.match(up(state).beside, {
    at: 'dialing',
    why: {
      message: /the address 10\.0\.0\.7 of this machine is gone, over which me@box:22 was reached; a second link/,
    },
  });
  t.end();
});

test('a link that is waited for after three in vain is replaced at once where the address of this machine is gone', (t) => {
  const doubted = up(step({ ...settled, vain: [now - 3, now - 2, now - 1] }, suspected, now, policy).state);
  const alone = up(step(doubted, { type: 'beside-timer' }, now + 16_000, policy).state);
  t.match(alone.beside, { at: 'alone' });
  const gone = { ...suspected, gone: '10.0.0.7' };
  const { state, effects } = step(alone, gone, now + 17_000, policy);
  t.match(up(state).beside, { at: 'dialing' });
  t.match(effects, [{ do: 'yield' }, { do: 'dial-beside' }]);
  const kept = { ...policy, replaceable: false };
  t.same(step(alone, gone, now + 17_000, kept), { state: alone, effects: [] }, 'its backend would end with it');
  t.end();
});

test('what ends with its link is not replaced: it is waited for, and counts as any other once it is lost', (t) => {
  const kept = { ...policy, replaceable: false };
  const doubted = step(settled, suspected, now, kept).state;
  const { state, effects } = step(doubted, { type: 'beside-timer' }, now + 2_000, kept);
  t.same(effects, [{ do: 'yield' }]);
  t.match(up(state).beside, { at: 'alone', why: { message: /its backend would end with this link/ } });
  t.same(step(state, { type: 'trusted' }, now + 3_000, kept).state, settled);
  t.match(step(state, lost, now + 20_000, kept), {
    state: { at: 'dialing', attempt: 1 },
    effects: [{ do: 'close-link' }, { do: 'dial' }],
  });
  t.end();
});

test('a second link that fails is tried again by its own class, and the first knows nothing of it', (t) => {
  let state = dialing(settled);
  const waits: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const failed = up(step(state, { type: 'beside-failed', fault: report('CONNECT_REFUSED') }, now, policy).state);
    if (failed.beside?.at !== 'waiting') throw new Error('it does not wait');
    t.match(failed, { since: settled.since, attempt: 3, tries: none, beside: { tries: { of: 'soon', flaps: 0 } } });
    waits.push(failed.beside.until - now);
    state = up(step(failed, { type: 'beside-timer' }, failed.beside.until, policy).state);
  }
  t.same(waits, [0, 250, 500, 1_000, 1_500]);
  t.match(state.beside, { at: 'dialing', attempt: 6 });
  const rejected = step(state, { type: 'beside-failed', fault: report('AUTH_REJECTED') }, now, policy);
  t.match(up(rejected.state).beside, { at: 'blocked', until: now + 20 * 60_000 });
  t.same(
    rejected.effects.map((effect) => effect.do),
    ['arm-beside', 'watch-files'],
  );
  t.same(step(rejected.state, { type: 'nudge', why: 'files' }, now, policy).effects, [
    { do: 'disarm-beside' },
    { do: 'dial-beside', forced: true },
  ]);
  t.end();
});

test('a first link that is lost hands its attempt, or its rest, on: no second dial, and a flap only where it was one', (t) => {
  const handed = step(dialing(settled), lost, now + 3_000, policy);
  t.match(handed.state, { at: 'dialing', attempt: 1, before: true, tries: { flaps: 0 } });
  t.same(handed.effects, [{ do: 'close-link' }, { do: 'promote' }]);
  t.match(step(dialing(young), lost, now + 3_000, policy).state, { at: 'dialing', tries: { flaps: 3 } });
  const resting = step(dialing(settled), { type: 'beside-failed', fault: report('AUTH_REJECTED') }, now, policy).state;
  const blocked = step(resting, lost, now + 3_000, policy);
  t.match(blocked.state, { at: 'blocked', attempt: 1, before: true, until: now + 20 * 60_000 });
  t.notOk('why' in blocked.state);
  t.same(blocked.effects, [
    { do: 'disarm-beside' },
    { do: 'close-link' },
    { do: 'arm', at: now + 20 * 60_000 },
    { do: 'watch-files' },
  ]);
  t.end();
});

/** A second link over which the backend does not come. */
const unready: LaneInput = { type: 'beside-unready', fault: report('LAUNCH_FAILED'), kept: [1] };

test('a second link brings its backend before it takes the place of the first; without that it does not, and is no rest of the lane', (t) => {
  for (const first of [settled, young]) {
    const second = step(dialing(first), { type: 'beside-linked', kept: [0] }, now + 2_400, policy);
    t.same(second, { state: dialing(first), effects: [{ do: 'back-beside' }] });
    const failed = step(second.state, unready, now + 2_500, policy);
    t.match(failed.state, { at: 'up', since: first.since, backing: null, beside: { at: 'blocked', made: true } });
    t.same(
      failed.effects.map((effect) => effect.do),
      ['cancel-beside', 'arm-beside', 'watch-files'],
    );
    const gone = step(failed.state, lost, now + 3_000, policy);
    const [disarm, close, next] = gone.effects.map((effect) => effect.do);
    t.same([disarm, close], ['disarm-beside', 'close-link']);
    t.equal(next, first === settled ? 'dial' : 'arm', 'a link can be had, and what it leads to beside the backend');
    t.match(gone.state, first === settled ? { at: 'dialing' } : { at: 'waiting', fault: { code: 'LINK_SILENT' } });
  }
  const plain = step(dialing(settled), { type: 'beside-linked', kept: null }, now + 2_400, policy);
  t.match(plain.state, { since: now + 2_400, backing: null, beside: null }, 'where nothing is to be brought it serves');
  t.same(plain.effects, [{ do: 'retire' }]);
  t.end();
});

test('a second link is no worse than a first one that has no backend either, and takes its place', (t) => {
  const arrived = step(
    { at: 'dialing', attempt: 9, tries: none, before: false },
    { type: 'linked', kept: [0] },
    now,
    policy,
  );
  const bare = up(step(arrived.state, { type: 'failed', fault: report('LAUNCH_FAILED') }, now, policy).state);
  const gone = up(step(settled, { type: 'unbacked' }, now, policy).state);
  for (const [name, first, calm] of [
    ['it never came over the first', bare, ['disarm']],
    ['it has gone', gone, []],
  ] as const) {
    const at = now + 2_500;
    const second = step(dialing(first), { type: 'beside-linked', kept: [0, 1] }, at, policy);
    t.same(
      second.state,
      {
        ...{ at: 'up', since: at, attempt: 1, tries: none, beside: null, vain: [] },
        ...{ kept: [0, 1], backing: { at: 'trying', tries: none, fresh: true } },
      },
      name,
    );
    t.same(
      second.effects.map((effect) => effect.do),
      [...calm, 'retire', 'back'],
      name,
    );
    const made = step(dialing(first), unready, at, policy);
    t.match(made.state, { at: 'up', since: at, attempt: 1, kept: [1], beside: null }, name);
    t.match(made.state, { backing: { at: 'blocked', until: at + 300_000, fault: { code: 'LAUNCH_FAILED' } } }, name);
    t.same(
      made.effects.map((effect) => effect.do),
      [...calm, 'retire', 'arm', 'watch-files'],
      name,
    );
    t.same(newsOfDoubt(dialing(first), made.state), { news: 'replaced', fault: null });
    const ready = step(dialing(first), { type: 'replaced' }, at, policy);
    t.match(ready.state, { at: 'up', backing: null, beside: null });
    t.notOk('kept' in ready.state);
  }
  t.end();
});

test('a loss that another link would meet as well ends the second one too', (t) => {
  const { state, effects } = step(dialing(settled), { type: 'lost', fault: report('PLUGIN_FAILED') }, now, policy);
  t.match(state, { at: 'blocked', fault: { code: 'PLUGIN_FAILED' } });
  t.same(
    effects.map((effect) => effect.do),
    ['cancel-beside', 'close-link', 'watch-files'],
  );
  t.end();
});

test('over a link that does not answer no backend is brought; it is brought once that is known again', (t) => {
  const bringing = up(step(settled, { type: 'unbacked' }, now, policy).state);
  const doubted = step(bringing, suspected, now, policy).state;
  const silent = step(doubted, { type: 'beside-timer' }, now + 2_000, policy);
  t.same(silent.effects, [{ do: 'cancel-back' }, { do: 'yield' }, { do: 'dial-beside', forced: false }]);
  t.same(step(silent.state, { type: 'trusted' }, now + 2_100, policy).effects, [
    { do: 'cancel-beside' },
    { do: 'back' },
  ]);
  t.match(step(silent.state, { type: 'replaced' }, now + 2_100, policy).state, { at: 'up', backing: null });
  const gone = step(dialing(settled), { type: 'unbacked' }, now + 2_100, policy);
  t.match(gone, { state: { backing: { at: 'trying' } }, effects: [] });
  t.end();
});
