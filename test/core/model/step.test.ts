import { test } from 'tap';
import { Fault, type FaultReport } from '../../../src/core/model/fault.ts';
import type { LaneState } from '../../../src/core/model/state.ts';
import type { LaneInput, LanePolicy } from '../../../src/core/model/lane-step.ts';
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
const report = (code: ConstructorParameters<typeof Fault>[0]): FaultReport => new Fault(code, 'why').report();
const refused = report('CONNECT_REFUSED');
const none = { of: 'none', count: 0, flaps: 0 } as const;

const up = {
  at: 'up',
  since: now - 60_000,
  attempt: 3,
  tries: { of: 'soon', count: 2, flaps: 0 },
  backing: null,
  beside: null,
  vain: [],
} as const;

const why = report('LINK_SILENT');
const soon = { of: 'soon', count: 2, flaps: 0 } as const;

/** Of a lane that is up, one more for each way in which its backend may be missing, and for each in which its link's life is in doubt. */
const states: Record<
  | LaneState['at']
  | ('fresh' | 'backing' | 'resting' | 'stopped')
  | ('doubting' | 'beside' | 'missing' | 'paused' | 'barred' | 'alone'),
  LaneState
> = {
  idle: { at: 'idle' },
  dialing: { at: 'dialing', attempt: 3, tries: { of: 'soon', count: 2, flaps: 0 }, before: true },
  up,
  fresh: { ...up, kept: [0, 1], backing: { at: 'trying', tries: none, fresh: true } },
  backing: { ...up, backing: { at: 'trying', tries: none } },
  resting: {
    ...up,
    backing: {
      at: 'waiting',
      tries: { of: 'soon', count: 2, flaps: 0 },
      from: now - 300,
      until: now + 500,
      fault: refused,
    },
  },
  stopped: {
    ...up,
    backing: {
      at: 'blocked',
      tries: { of: 'never', count: 1, flaps: 0 },
      until: null,
      fault: report('BACKEND_STOPPED'),
    },
  },
  doubting: { ...up, beside: { at: 'doubting', where: 'me@box:22', since: now - 1_000, until: now + 1_000 } },
  beside: { ...up, beside: { at: 'dialing', why, attempt: 1, tries: none } },
  missing: {
    ...up,
    kept: [0],
    backing: { at: 'blocked', tries: none, until: now + 500, fault: report('LAUNCH_FAILED') },
    beside: { at: 'dialing', why, attempt: 2, tries: none },
  },
  paused: {
    ...up,
    beside: { at: 'waiting', why, attempt: 2, tries: soon, from: now - 300, until: now + 500, fault: refused },
  },
  barred: {
    ...up,
    beside: {
      at: 'blocked',
      why,
      attempt: 2,
      tries: { of: 'never', count: 1, flaps: 0 },
      until: null,
      fault: report('HOST_KEY_CHANGED'),
    },
  },
  alone: { ...up, beside: { at: 'alone', why } },
  waiting: {
    at: 'waiting',
    attempt: 3,
    tries: { of: 'soon', count: 2, flaps: 0 },
    from: now - 300,
    until: now + 500,
    fault: refused,
    before: true,
  },
  blocked: {
    at: 'blocked',
    attempt: 3,
    tries: { of: 'never', count: 1, flaps: 0 },
    until: null,
    fault: report('HOST_KEY_CHANGED'),
    before: true,
  },
  draining: { at: 'draining', until: now + 10_000 },
  ended: { at: 'ended' },
};

const inputs: Record<string, LaneInput> = {
  start: { type: 'start', forced: false },
  linked: { type: 'linked', kept: null },
  bringing: { type: 'linked', kept: [0] },
  stumbled: { type: 'stumbled', kept: [0] },
  failed: { type: 'failed', fault: refused },
  withheld: { type: 'withheld', fault: report('AUTH_REJECTED'), until: now + 5_000 },
  lost: { type: 'lost', fault: report('LINK_LOST') },
  unbacked: { type: 'unbacked' },
  usurped: { type: 'usurped', fault: report('BACKEND_FOREIGN'), until: now + 4_000 },
  backed: { type: 'backed' },
  suspected: { type: 'suspected', where: 'me@box:22', since: now - 500, patience: 2_000, gone: null },
  gone: { type: 'suspected', where: 'me@box:22', since: now - 500, patience: 2_000, gone: '10.0.0.7' },
  trusted: { type: 'trusted' },
  second: { type: 'beside-linked', kept: [0] },
  'second alone': { type: 'beside-linked', kept: null },
  replaced: { type: 'replaced' },
  unready: { type: 'beside-unready', fault: report('LAUNCH_FAILED'), kept: [0] },
  'beside-failed': { type: 'beside-failed', fault: refused },
  'beside-withheld': { type: 'beside-withheld', fault: report('AUTH_REJECTED'), until: now + 5_000 },
  'beside-timer': { type: 'beside-timer' },
  timer: { type: 'timer' },
  client: { type: 'nudge', why: 'client' },
  wake: { type: 'nudge', why: 'wake' },
  network: { type: 'nudge', why: 'network' },
  files: { type: 'nudge', why: 'files' },
  host: { type: 'nudge', why: 'host' },
  answer: { type: 'nudge', why: 'answer' },
  user: { type: 'nudge', why: 'user' },
  drain: { type: 'drain' },
  stop: { type: 'stop' },
};

// Every state with every input: the state that follows and what the driver must do. "=" is the very same state.
// biome-ignore format: a table is read by its columns
const table: Record<keyof typeof states, Record<string, string>> = {
  idle:     { start: 'dialing dial', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: '=', unbacked: '=', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'ended', stop: 'ended' },
  dialing:  { start: '=', linked: 'up', bringing: 'up/trying back', stumbled: '=', failed: 'waiting arm', withheld: 'blocked arm watch-files', lost: '=', unbacked: '=', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'ended cancel-dial', stop: 'ended cancel-dial' },
  up:       { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing close-link dial', unbacked: 'up/trying back', usurped: 'up/waiting arm', backed: '=', suspected: 'up+doubting arm-beside', gone: 'up+dialing yield dial-beside', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'draining drain arm', stop: 'ended close-link' },
  fresh:    { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: 'up/trying', failed: 'up/waiting arm', withheld: '=', lost: 'dialing close-link dial', unbacked: '=', usurped: '=', backed: 'up', suspected: 'up/trying+doubting arm-beside', gone: 'up/trying+dialing cancel-back yield dial-beside', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'draining cancel-back drain arm', stop: 'ended close-link' },
  backing:  { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: 'up/waiting arm', withheld: '=', lost: 'dialing close-link dial', unbacked: '=', usurped: '=', backed: 'up', suspected: 'up/trying+doubting arm-beside', gone: 'up/trying+dialing cancel-back yield dial-beside', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'draining cancel-back drain arm', stop: 'ended close-link' },
  resting:  { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing disarm close-link dial', unbacked: 'up/trying disarm back', usurped: '=', backed: '=', suspected: 'up/waiting+doubting arm-beside', gone: 'up/waiting+dialing yield dial-beside', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '= arm', client: 'up/trying disarm back', wake: 'up/trying disarm back', network: 'up/trying disarm back', files: '=', host: '=', answer: '=', user: 'up/trying disarm back', drain: 'draining drain arm', stop: 'ended disarm close-link' },
  stopped:  { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing disarm close-link dial', unbacked: 'up/trying disarm back', usurped: '=', backed: '=', suspected: 'up/blocked+doubting arm-beside', gone: 'up/blocked+dialing yield dial-beside', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: 'up/trying disarm back', host: '=', answer: '=', user: 'up/trying disarm back', drain: 'draining drain arm', stop: 'ended disarm close-link' },
  doubting: { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing disarm-beside close-link dial', unbacked: 'up/trying+doubting back', usurped: 'up/waiting+doubting arm', backed: '=', suspected: '=', gone: 'up+dialing disarm-beside yield dial-beside', trusted: 'up disarm-beside', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '= arm-beside', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'draining disarm-beside drain arm', stop: 'ended disarm-beside close-link' },
  beside:   { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing close-link promote', unbacked: 'up/trying+dialing', usurped: 'up/waiting+dialing arm', backed: '=', suspected: '=', gone: '=', trusted: 'up cancel-beside', second: '= back-beside', 'second alone': 'up retire', replaced: 'up retire', unready: 'up+blocked cancel-beside arm-beside watch-files', 'beside-failed': 'up+waiting arm-beside', 'beside-withheld': 'up+blocked arm-beside watch-files', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'draining cancel-beside drain arm', stop: 'ended cancel-beside close-link' },
  missing:  { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing disarm close-link promote', unbacked: 'up/trying+dialing disarm', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: 'up/blocked cancel-beside', second: 'up/trying disarm retire back', 'second alone': 'up disarm retire', replaced: 'up disarm retire', unready: 'up/blocked disarm retire arm watch-files', 'beside-failed': 'up/blocked+waiting arm-beside', 'beside-withheld': 'up/blocked+blocked arm-beside watch-files', 'beside-timer': '=', timer: '= arm', client: '=', wake: '=', network: '=', files: 'up/trying+dialing disarm', host: '=', answer: '=', user: 'up/trying+dialing disarm', drain: 'draining cancel-beside drain arm', stop: 'ended disarm cancel-beside close-link' },
  paused:   { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'waiting disarm-beside close-link arm', unbacked: 'up/trying+waiting', usurped: 'up/waiting+waiting arm', backed: '=', suspected: '=', gone: '=', trusted: 'up disarm-beside', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '= arm-beside', timer: '=', client: 'up+dialing disarm-beside dial-beside', wake: 'up+dialing disarm-beside dial-beside', network: 'up+dialing disarm-beside dial-beside', files: '=', host: '=', answer: '=', user: 'up+dialing disarm-beside dial-beside', drain: 'draining disarm-beside drain arm', stop: 'ended disarm-beside close-link' },
  barred:   { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'blocked disarm-beside close-link watch-files', unbacked: 'up/trying+blocked', usurped: 'up/waiting+blocked arm', backed: '=', suspected: '=', gone: '=', trusted: 'up disarm-beside', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: 'up+dialing disarm-beside dial-beside', host: '=', answer: '=', user: 'up+dialing disarm-beside dial-beside', drain: 'draining disarm-beside drain arm', stop: 'ended disarm-beside close-link' },
  alone:    { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'dialing close-link dial', unbacked: 'up/trying+alone', usurped: 'up/waiting+alone arm', backed: '=', suspected: '=', gone: 'up+dialing yield dial-beside', trusted: 'up', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'draining drain arm', stop: 'ended close-link' },
  waiting:  { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: '=', unbacked: '=', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '= arm', client: 'dialing disarm dial', wake: 'dialing disarm dial', network: 'dialing disarm dial', files: '=', host: '=', answer: '=', user: 'dialing disarm dial', drain: 'ended disarm', stop: 'ended disarm' },
  blocked:  { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: '=', unbacked: '=', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: 'dialing disarm dial', host: '=', answer: '=', user: 'dialing disarm dial', drain: 'ended disarm', stop: 'ended disarm' },
  draining: { start: '=', linked: '= close-link', bringing: '= close-link', stumbled: '=', failed: '=', withheld: '=', lost: 'ended disarm close-link', unbacked: '=', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: '=', second: '= cancel-beside', 'second alone': '= cancel-beside', replaced: '= cancel-beside', unready: '= cancel-beside', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '= arm', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: 'ended disarm close-link', stop: 'ended disarm close-link' },
  ended:    { start: '=', linked: '=', bringing: '=', stumbled: '=', failed: '=', withheld: '=', lost: '=', unbacked: '=', usurped: '=', backed: '=', suspected: '=', gone: '=', trusted: '=', second: '=', 'second alone': '=', replaced: '=', unready: '=', 'beside-failed': '=', 'beside-withheld': '=', 'beside-timer': '=', timer: '=', client: '=', wake: '=', network: '=', files: '=', host: '=', answer: '=', user: '=', drain: '=', stop: '=' },
};

/** A lane that is up and does without its backend says how it stands with that, and with a link whose life is in doubt. */
function nameOf(state: LaneState): string {
  if (state.at !== 'up') return state.at;
  return `up${state.backing === null ? '' : `/${state.backing.at}`}${state.beside === null ? '' : `+${state.beside.at}`}`;
}

for (const [at, row] of Object.entries(table)) {
  test(`a lane that is ${at} answers every input as the table says`, (t) => {
    t.same(Object.keys(row), Object.keys(inputs), 'the row has every input');
    for (const [name, expected] of Object.entries(row)) {
      const from = states[at as keyof typeof states];
      const input = inputs[name] as LaneInput;
      const { state, effects } = step(from, input, now, policy);
      const shown = [state === from ? '=' : nameOf(state), ...effects.map((effect) => effect.do)].join(' ');
      t.equal(shown, expected, `${at} + ${name}`);
    }
    t.end();
  });
}

function waitingAfter(state: LaneState, fault: FaultReport): Extract<LaneState, { at: 'waiting' }> {
  const next = step(state, { type: 'failed', fault }, now, policy).state;
  if (next.at !== 'waiting') throw new Error(`not waiting but ${next.at}`);
  return next;
}

test('quick steps are 0, 0.25, 0.5, 1 and then every 1.5 s, and never give up', (t) => {
  const waits: number[] = [];
  let state: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  for (let n = 0; n < 100; n += 1) {
    const failed = waitingAfter(state, refused);
    waits.push(failed.until - now);
    state = step(failed, { type: 'timer' }, failed.until, policy).state;
  }
  t.same(waits.slice(0, 6), [0, 250, 500, 1000, 1500, 1500]);
  t.ok(waits.slice(4).every((wait) => wait === 1500));
  t.equal(state.at === 'dialing' ? state.attempt : 0, 101);
  t.end();
});

test('an answer cures what waited for one, and nothing else', (t) => {
  const asked = { about: 'password me@box:22 SHA256:x' };
  const blockedBy = (
    code: ConstructorParameters<typeof Fault>[0],
    detail: Record<string, string | number> = {},
  ): LaneState => ({
    at: 'blocked',
    attempt: 3,
    tries: { of: 'never', count: 1, flaps: 0 },
    until: null,
    fault: new Fault(code, 'why', { detail }).report(),
    before: true,
  });
  const nudge: LaneInput = { type: 'nudge', why: 'answer' };
  for (const state of [blockedBy('NEEDS_ANSWER', asked), blockedBy('AUTH_REJECTED', { answers: 3 })]) {
    const { effects } = step(state, nudge, now, policy);
    t.same(
      effects,
      [{ do: 'disarm' }, { do: 'dial', forced: true }],
      'credentials that were refused may be tried again',
    );
  }
  for (const state of [blockedBy('NEEDS_ANSWER'), blockedBy('AUTH_REJECTED'), blockedBy('HOST_KEY_CHANGED', asked)]) {
    t.equal(step(state, nudge, now, policy).state, state);
  }
  t.end();
});

test('a question without answer blocks for good; where keys were rejected before it, for 20 minutes', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  const after = (detail: Record<string, string | number>) =>
    step(dialing, { type: 'failed', fault: new Fault('NEEDS_ANSWER', 'why', { detail }).report() }, now, policy).state;
  t.match(after({ about: 'x' }), { at: 'blocked', until: null });
  t.match(after({ about: 'x', rejected: 2 }), { at: 'blocked', until: now + 20 * 60_000 });
  t.end();
});

test('who is mute for half a minute is asked anew with no pause to speak of, then ever slower, whoever waits', (t) => {
  const waits: number[] = [];
  let state: LaneState = { at: 'dialing', attempt: 1, tries: none, before: true };
  for (let n = 0; n < 12; n += 1) {
    const failed = waitingAfter(state, report(n % 2 === 0 ? 'GREETING_TIMEOUT' : 'CONNECT_TIMEOUT'));
    waits.push(failed.until - now);
    t.equal(step(failed, { type: 'nudge', why: 'client' }, now + 1, policy).state, failed, 'a client hurries nothing');
    state = step(failed, { type: 'timer' }, failed.until, policy).state;
  }
  t.same(waits, [0, 250, 250, 250, 250, 500, 1_000, 1_500, 3_000, 5_000, 5_000, 5_000]);
  t.end();
});

test('a busy host is asked after 1, 5, 30 s, then no more than four times in ten minutes, whoever waits', (t) => {
  const waits: number[] = [];
  let state: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  for (let n = 0; n < 6; n += 1) {
    const failed = waitingAfter(state, report('SERVER_BUSY'));
    waits.push(failed.until - now);
    t.equal(
      step(failed, { type: 'nudge', why: 'client' }, now + 900, policy).state,
      failed,
      'a client hurries nothing',
    );
    state = step(failed, { type: 'timer' }, failed.until, policy).state;
  }
  // 120 s would make it the fifth within ten minutes.
  t.same(waits, [1_000, 5_000, 30_000, 572_200, 300_000, 300_000]);
  t.end();
});

test('in no ten minutes is a busy host asked a fifth time, however the jitter falls', (t) => {
  const busy = { type: 'failed', fault: report('SERVER_BUSY') } as const;
  for (const random of [0, 0.25, 0.5, 0.999]) {
    let state: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
    let at = now;
    const tries: number[] = [];
    while (at < now + 4 * 3_600_000) {
      tries.push(at);
      const failed: LaneState = step(state, busy, at, { ...policy, random }).state;
      if (failed.at !== 'waiting') throw new Error(failed.at);
      at = failed.until;
      state = step(failed, { type: 'timer' }, at, policy).state;
    }
    const most = Math.max(...tries.map((from) => tries.filter((one) => one >= from && one <= from + 600_000).length));
    t.equal(most, 4, `jitter ${random}`);
    t.ok(tries.length > 20, `${tries.length} tries in four hours`);
  }
  t.end();
});

test('a ProxyCommand without its program blocks: tried each minute, at once when a file changes, hurried by no client', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  const failed = step(dialing, { type: 'failed', fault: report('PROXY_COMMAND_MISSING') }, now, policy);
  t.match(failed.state, { at: 'blocked', until: now + 60_000 });
  t.match(failed.effects, [{ do: 'arm', at: now + 60_000 }, { do: 'watch-files' }]);
  for (const why of ['client', 'wake', 'host'] as const) {
    t.equal(step(failed.state, { type: 'nudge', why }, now + 900, policy).state, failed.state, why);
  }
  t.match(step(failed.state, { type: 'nudge', why: 'files' }, now + 900, policy).state, { at: 'dialing' });
  t.match(step(failed.state, { type: 'timer' }, now + 60_000, policy).state, { at: 'dialing' });
  t.end();
});

test('a ProxyCommand that ends as an ssh whose login failed is run after 1, 2, 5, 10, 15 and then every 30 s', (t) => {
  const ended = (exit: number, ran: number) =>
    new Fault('PROXY_COMMAND_FAILED', 'why', { detail: { exit, ran } }).report();
  const waits: number[] = [];
  let state: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  for (let n = 0; n < 8; n += 1) {
    const failed = waitingAfter(state, ended(255, 145));
    waits.push(failed.until - now);
    for (const why of ['client', 'wake'] as const) {
      t.equal(step(failed, { type: 'nudge', why }, now + 900, policy).state, failed, `a ${why} hurries nothing`);
    }
    state = step(failed, { type: 'timer' }, failed.until, policy).state;
  }
  t.same(waits, [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 30_000, 30_000]);
  const unreached = new Fault('PROXY_COMMAND_FAILED', 'why', { detail: { exit: 255, ran: 900, unreached: 1 } });
  const start: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  t.match(waitingAfter(start, unreached.report()), { tries: { of: 'soon' } }, 'who says that it reached nobody');
  // OpenSSH 9.8: 5 s for each refused login, enforced from 15 s on, paid off as time goes by.
  const worst = waits.reduce<readonly [number, number]>(
    ([most, debt], wait) => [Math.max(most, debt), Math.max(0, debt - wait * 0.8) + 5_000],
    [0, 5_000],
  );
  t.ok(worst[0] < 15_000, `${worst[0]} ms of penalties`);
  const dialing: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  for (const fault of [ended(255, 6), ended(1, 145), report('PROXY_COMMAND_FAILED')]) {
    t.match(waitingAfter(dialing, fault), { tries: { of: 'soon' }, until: now });
  }
  t.end();
});

test("a backend whose place is another one's is brought when its rest is over, hurried by the user alone", (t) => {
  const fault = report('BACKEND_FOREIGN');
  const { state, effects } = step(up, { type: 'usurped', fault, until: now + 4_000 }, now, policy);
  t.match(state, { at: 'up', backing: { at: 'waiting', from: now, until: now + 4_000, fault } });
  t.same(effects, [{ do: 'arm', at: now + 4_000 }]);
  for (const why of ['client', 'wake', 'network', 'files', 'host', 'answer'] as const)
    t.equal(step(state, { type: 'nudge', why }, now + 900, policy).state, state, why);
  t.match(step(state, { type: 'nudge', why: 'user' }, now + 900, policy).effects, [{ do: 'disarm' }, { do: 'back' }]);
  t.match(step(state, { type: 'timer' }, now + 4_000, policy).effects, [{ do: 'back' }]);
  t.end();
});

test('refused credentials block for 20 minutes, a changed file ends it at once', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  const { state, effects } = step(dialing, { type: 'failed', fault: report('AUTH_REJECTED') }, now, policy);
  t.match(state, { at: 'blocked', until: now + 20 * 60_000 });
  t.same(
    effects.map((effect) => effect.do),
    ['arm', 'watch-files'],
  );
  const again = step(state, { type: 'nudge', why: 'files' }, now + 5, policy);
  t.same(again.effects, [{ do: 'disarm' }, { do: 'dial', forced: true }]);
  t.end();
});

test('a server that forbids forwarding on the way, or for every forward, is asked again each minute', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
  const { state } = step(dialing, { type: 'failed', fault: report('FORWARDING_REFUSED') }, now, policy);
  t.match(state, { at: 'blocked', until: now + 60_000 });
  const lost = step(states.up, { type: 'lost', fault: report('FORWARDING_REFUSED') }, now, policy);
  t.match(lost.state, { at: 'blocked', until: now + 60_000 });
  t.same(
    lost.effects.map((effect) => effect.do),
    ['close-link', 'arm', 'watch-files'],
  );
  t.equal(step(lost.state, { type: 'timer' }, now + 60_000, policy).state.at, 'dialing');
  t.end();
});

test('what waiting cannot cure blocks without a clock', (t) => {
  for (const code of [
    'HOST_KEY_CHANGED',
    'HOST_KEY_REVOKED',
    'ALGORITHM_MISMATCH',
    'SSH_CONFIG_INVALID',
    'PLUGIN_FAILED',
  ] as const) {
    const dialing: LaneState = { at: 'dialing', attempt: 1, tries: none, before: false };
    const { state, effects } = step(dialing, { type: 'failed', fault: report(code) }, now, policy);
    t.match(state, { at: 'blocked', until: null, fault: { code } }, code);
    t.same(
      effects.map((effect) => effect.do),
      ['watch-files'],
    );
  }
  t.end();
});

test('a link that is lost before it settles comes back at once ten times, then ever slower, whoever waits', (t) => {
  const waits: number[] = [];
  let state: LaneState = {
    at: 'up',
    since: now - 1_000,
    attempt: 4,
    tries: none,
    backing: null,
    beside: null,
    vain: [],
  };
  for (let n = 0; n < 17; n += 1) {
    const lost: LaneState = step(state, { type: 'lost', fault: report('LINK_LOST') }, now, policy).state;
    if (lost.at !== 'waiting') throw new Error(`not waiting but ${lost.at}`);
    t.match(lost, { tries: { of: 'flap', count: n + 1 }, before: true });
    waits.push(lost.until - now);
    const client: LaneInput = { type: 'nudge', why: 'client' };
    const useless = { ...policy, useful: false };
    t.equal(step(lost, client, now + 1, useless).state, lost, 'a client who is not served by it hurries nothing');
    const until = Math.min(lost.until, now + 1_000);
    t.match(step(lost, client, now + 1, policy).state, { at: 'waiting', until }, 'one who is makes it a second');
    const dialing: LaneState = step(lost, { type: 'timer' }, lost.until, policy).state;
    state = step(dialing, { type: 'linked', kept: null }, now - 1_000, policy).state;
  }
  t.same(waits, [0, ...Array(9).fill(25), 1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000]);
  t.end();
});

test('a host that throws links out is asked no sooner because it refuses some as well', (t) => {
  const tries = { of: 'flap', count: 12, flaps: 12 } as const;
  const dialing: LaneState = { at: 'dialing', attempt: 20, tries, before: true };
  const failed = waitingAfter(dialing, refused);
  t.match(failed, { tries: { of: 'soon', count: 1, flaps: 12 }, until: now + 2_000 });
  const [client, useless] = [{ type: 'nudge', why: 'client' } as const, { ...policy, useful: false }];
  t.equal(step(failed, client, now + 200, useless).state, failed, 'a client hurries nothing');
  t.match(step(failed, client, now + 200, policy).state, { at: 'waiting', until: now + 1_000 });
  t.match(step(failed, client, now + 1_500, policy).state, { at: 'dialing' }, 'who comes late is not let wait');
  const up: LaneState = {
    at: 'up',
    since: now - 1_000,
    attempt: 21,
    tries: failed.tries,
    backing: null,
    beside: null,
    vain: [],
  };
  t.match(step(up, { type: 'lost', fault: report('LINK_LOST') }, now, policy).state, {
    tries: { of: 'flap', flaps: 13 },
    until: now + 5_000,
  });
  t.end();
});

test('what another lane met is kept to, and ends when a lane is let in', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 2, tries: { of: 'busy', count: 1, flaps: 0 }, before: true };
  const busy = step(dialing, { type: 'withheld', fault: report('SERVER_BUSY'), until: now + 30_000 }, now, policy);
  t.match(busy.state, { at: 'waiting', attempt: 2, tries: { of: 'busy', count: 1, flaps: 0 }, until: now + 30_000 });
  const refusedThere = step(dialing, { type: 'withheld', fault: report('AUTH_REJECTED'), until: now + 9 }, now, policy);
  for (const { state } of [busy, refusedThere]) {
    const again = step(state, { type: 'nudge', why: 'host' }, now + 1, policy);
    t.same(again.effects, [{ do: 'disarm' }, { do: 'dial', forced: false }]);
  }
  t.end();
});

test('a flood of waiting clients hurries an attempt to 100 ms after the last one, not sooner', (t) => {
  const waiting: LaneState = { ...states.waiting, from: now, until: now + 1_500 } as LaneState;
  const first = step(waiting, { type: 'nudge', why: 'client' }, now + 10, policy);
  t.match(first.state, { at: 'waiting', until: now + 100 });
  t.same(first.effects, [{ do: 'arm', at: now + 100 }]);
  const second = step(first.state, { type: 'nudge', why: 'client' }, now + 20, policy);
  t.same(second.effects, [], 'the next client changes nothing more');
  t.end();
});

test('a port that accepts and says nothing, or a ProxyCommand that ends, is asked every 15 s after 30 tries', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 31, tries: { of: 'soon', count: 30, flaps: 0 }, before: false };
  for (const code of ['CLOSED_EARLY', 'PROXY_COMMAND_FAILED'] as const) {
    t.match(step(dialing, { type: 'failed', fault: report(code) }, now, policy).state, { until: now + 15_000 });
  }
  t.match(step(dialing, { type: 'failed', fault: refused }, now, policy).state, { until: now + 1_500 });
  t.end();
});

test('a backend that did not come up in several tries is tried again each five minutes, or when the user says so', (t) => {
  const { state, effects } = step(states.dialing, { type: 'failed', fault: report('LAUNCH_FAILED') }, now, policy);
  t.match(state, { at: 'blocked', until: now + 300_000, fault: { code: 'LAUNCH_FAILED' }, before: true });
  t.same(
    effects.map((effect) => effect.do),
    ['arm', 'watch-files'],
  );
  t.equal(step(state, { type: 'nudge', why: 'user' }, now, policy).state.at, 'dialing');
  t.equal(step(state, { type: 'timer' }, now + 300_000, policy).state.at, 'dialing');
  t.end();
});

test('who is joined over a link that was replaced may finish too, wherever the lane is when it is to end', (t) => {
  const joined = { ...policy, retired: true };
  for (const [at, before] of [
    ['dialing', ['cancel-dial']],
    ['waiting', ['disarm']],
    ['blocked', ['disarm']],
    ['up', []],
  ] as const) {
    const { state, effects } = step(states[at], { type: 'drain' }, now, joined);
    t.same(state, { at: 'draining', until: now + policy.drain }, at);
    t.same(
      effects.map((effect) => effect.do),
      [...before, 'drain', 'arm'],
      at,
    );
  }
  const lost = step(states.draining, inputs['lost'] as LaneInput, now, joined);
  t.equal(lost.state, states.draining, 'the present link is not the one that they go over');
  t.same(lost.effects, [{ do: 'close-link' }]);
  t.same(step(lost.state, { type: 'timer' }, now + 10_000, joined).state, { at: 'ended' }, 'but no longer than that');
  t.same(step(states.draining, { type: 'stop' }, now, joined).state, { at: 'ended' });
  t.same(step(states.idle, { type: 'drain' }, now, joined).state, { at: 'ended' });
  t.end();
});

test('a link is up before its backend is: that is brought over it, and rests as its fault says where it does not come', (t) => {
  const dialing: LaneState = { at: 'dialing', attempt: 3, tries: { of: 'soon', count: 2, flaps: 4 }, before: false };
  const { attempt, tries } = dialing;
  const { state: fresh, effects: begun } = step(dialing, { type: 'linked', kept: [0, 1] }, now - 5, policy);
  const up = { at: 'up', since: now - 5, attempt, tries, beside: null, vain: [] } as const;
  t.same(fresh, { ...up, kept: [0, 1], backing: { at: 'trying', tries: none, fresh: true } });
  t.same(begun, [{ do: 'back' }]);
  const stumbled = step(fresh, { type: 'stumbled', kept: [0] }, now, policy);
  t.same(stumbled, { state: { ...up, kept: [0], backing: { at: 'trying', tries: none } }, effects: [] });
  t.equal(step(stumbled.state, { type: 'stumbled', kept: [0] }, now, policy).state, stumbled.state, 'no news');
  for (const [code, rest, after] of [
    ['LAUNCH_FAILED', { at: 'blocked', until: now + 300_000 }, ['arm', 'watch-files']],
    ['TOKEN_REFUSED', { at: 'blocked', until: now + 60_000 }, ['arm', 'watch-files']],
    ['BACKEND_STOPPED', { at: 'blocked', until: null }, ['watch-files']],
    ['CONNECT_REFUSED', { at: 'waiting', from: now, until: now }, ['arm']],
  ] as const) {
    const { state, effects } = step(stumbled.state, { type: 'failed', fault: report(code) }, now, policy);
    t.match(state, { ...up, kept: [0], backing: { ...rest, tries: { count: 1, flaps: 0 }, fault: { code } } }, code);
    t.same(
      effects.map((effect) => effect.do),
      after,
      code,
    );
    const again = step(state, { type: 'nudge', why: 'user' }, now, policy);
    t.match(again.state, { at: 'up', kept: [0], backing: { at: 'trying' } }, 'it is brought over the same link');
    t.same(again.effects, [{ do: 'disarm' }, { do: 'back' }]);
    const backed = step(again.state, { type: 'backed' }, now + 9, policy).state;
    t.match(backed, { at: 'up', since: now - 5, backing: null });
    t.notOk('kept' in backed, 'by now its address says what leads there');
    t.equal(step(backed, { type: 'stumbled', kept: [0, 1] }, now, policy).state, backed);
  }
  t.end();
});

test('a backend that does not come again rests as its fault says, and the link stays as it is', (t) => {
  for (const [code, rest] of [
    ['LAUNCH_FAILED', { at: 'blocked', until: now + 300_000 }],
    ['TOKEN_REFUSED', { at: 'blocked', until: now + 60_000 }],
    ['FORWARDING_REFUSED', { at: 'blocked', until: now + 60_000 }],
    ['BACKEND_STOPPED', { at: 'blocked', until: null }],
    ['CONNECT_REFUSED', { at: 'waiting', from: now, until: now }],
  ] as const) {
    const { state, effects } = step(states.backing, { type: 'failed', fault: report(code) }, now, policy);
    const { since, attempt, tries } = up;
    t.match(state, { at: 'up', since, attempt, tries, backing: { ...rest, fault: { code } } }, code);
    const wanted = [...(rest.until === null ? [] : ['arm']), ...(rest.at === 'blocked' ? ['watch-files'] : [])];
    t.same(
      effects.map((effect) => effect.do),
      wanted,
      code,
    );
    if (rest.until === null) continue;
    const again = step(state, { type: 'timer' }, rest.until, policy);
    t.match(again.state, { at: 'up', backing: { at: 'trying', tries: { count: 1 } } });
    t.same(again.effects, [{ do: 'back' }]);
  }
  t.end();
});

test('a backend that fails quickly is asked for ever more slowly, and a flood of clients hurries it by 100 ms at least', (t) => {
  let state = states.backing;
  const waits: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    const failed = step(state, { type: 'failed', fault: refused }, now, policy).state;
    if (failed.at !== 'up' || failed.backing?.at !== 'waiting') throw new Error(nameOf(failed));
    waits.push(failed.backing.until - now);
    state = step(failed, { type: 'timer' }, failed.backing.until, policy).state;
    if (n < 3) continue;
    const hurried = step(failed, { type: 'nudge', why: 'client' }, now + 10, policy);
    t.match(hurried.state, { at: 'up', since: up.since, backing: { at: 'waiting', until: now + 100 } });
    t.same(hurried.effects, [{ do: 'arm', at: now + 100 }]);
  }
  t.same(waits, [0, 250, 500, 1000, 1500, 1500]);
  t.end();
});

test('a link that is lost while its backend is brought counts from its own beginning', (t) => {
  const lost = { type: 'lost', fault: report('LINK_LOST') } as const;
  const young = { ...up, since: now - 1_000 };
  for (const backing of [states.backing, states.resting, states.stopped].map((one) => one.at === 'up' && one.backing)) {
    if (backing === false) throw new Error('it is up');
    t.match(step({ ...up, backing }, lost, now, policy).state, { at: 'dialing', attempt: 1, tries: none });
    t.match(step({ ...young, backing }, lost, now, policy).state, { at: 'waiting', tries: { of: 'flap', count: 1 } });
  }
  t.end();
});

test('what ended a link that had settled is told with the attempt that follows, and with no later one', (t) => {
  const settled: LaneState = { ...up, since: now - 60_000 };
  for (const beside of [null, { at: 'dialing', why, attempt: 1, tries: none } as const]) {
    const after = step({ ...settled, beside }, { type: 'lost', fault: refused }, now, policy).state;
    t.match(after, { at: 'dialing', lost: refused });
    const failed = step(after, { type: 'failed', fault: why }, now, policy).state;
    t.notOk('lost' in failed);
  }
  t.end();
});
