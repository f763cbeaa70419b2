import { test } from 'tap';
import type { BackendFacts } from '../../../src/core/model/backend.ts';
import type { Endpoint } from '../../../src/core/model/endpoint.ts';
import type { Fact } from '../../../src/core/model/event.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { emptySnapshot, fold } from '../../../src/core/model/snapshot.ts';
import type { BackingState, Beside, LaneState, Stage } from '../../../src/core/model/state.ts';
import { prospectOf } from '../../../src/core/supervisor/clients/prospect.ts';

const relay = 'r';
const tries = { of: 'none', count: 0, flaps: 0 } as const;
const tcp = (port: number): Endpoint => ({ kind: 'tcp', host: '127.0.0.1', port });
const listen = tcp(0);
const target = tcp(8787);
const backend: BackendFacts = { target, run: 'a', adopted: false, door: null, opens: null, says: '' };
// Three forwards: to the backend by its name, by its address, and to something else.
const forwards = [{ kind: 'backend' } as const, target, tcp(5432)].map((one) => ({
  kind: 'local' as const,
  listen,
  target: one,
  probed: true,
}));
const declared: Fact[] = [
  { type: 'relay.declared', relay, host: 'h', lanes: 1, forwards },
  { type: 'relay.started', relay },
];
const lane = (state: LaneState): Fact => ({ type: 'lane.changed', relay, lane: 0, state });
const up = (backing: BackingState | null): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries, backing, beside: null, vain: [] });
/** Over a link over which it never came: nobody knows its address, and who is kept from it. */
const never = (backing: BackingState): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries, backing, kept: [0], beside: null, vain: [] });
const doubt = (beside: Beside): Fact =>
  lane({ at: 'up', since: 0, attempt: 1, tries, backing: null, beside, vain: [] });
const dialing = lane({ at: 'dialing', attempt: 1, tries, before: false });
const stage = (one: Stage): Fact => ({ type: 'lane.advanced', relay, lane: 0, stage: one, note: null });
const ready: Fact = { type: 'backend.ready', relay, lane: 0, backend };
const fault = new Fault('LAUNCH_FAILED', 'exit code 1').report();
const trying = up({ at: 'trying', tries });
const blocked = { tries, until: null, fault } as const;

const bare = never({ at: 'blocked', ...blocked });
const bareAgain = never({ at: 'trying', tries });
const first = never({ at: 'trying', tries, fresh: true });

const rows: readonly (readonly [string, readonly Fact[], string])[] = [
  ['declared only', declared.slice(0, 1), 'RELAY_STOPPED RELAY_STOPPED RELAY_STOPPED'],
  ['on its way', [dialing, stage('authentication')], 'held held held'],
  ['its backend is launched', [dialing, first, stage('backend')], 'launching open open'],
  ['its token is looked for', [dialing, first, stage('token')], 'launching open open'],
  ['they are proved', [dialing, first, stage('proof')], 'launching open open'],
  ['a launch has failed', [dialing, first, stage('backend'), stage('pause')], 'held open open'],
  [
    'blocked',
    [dialing, lane({ at: 'blocked', attempt: 1, before: false, ...blocked })],
    'LAUNCH_FAILED LAUNCH_FAILED LAUNCH_FAILED',
  ],
  ['up', [dialing, ready, up(null)], 'open open open'],
  ['its backend is brought again', [dialing, ready, up(null), trying], 'launching launching open'],
  ['that has failed', [dialing, ready, up(null), trying, stage('pause')], 'held held open'],
  [
    'it is tried soon',
    [dialing, ready, up(null), up({ at: 'waiting', tries, from: 0, until: 9, fault })],
    'held held open',
  ],
  ['it does not come', [dialing, ready, up({ at: 'blocked', ...blocked })], 'LAUNCH_FAILED LAUNCH_FAILED open'],
  ['it never came', [dialing, bare], 'LAUNCH_FAILED open open'],
  ['it never came, and is tried again', [dialing, bare, bareAgain], 'launching open open'],
  [
    'its link is asked whether it lives',
    [dialing, ready, doubt({ at: 'doubting', where: 'h', since: 0, until: 9 })],
    'open open open',
  ],
  [
    'its link does not answer',
    [dialing, ready, doubt({ at: 'dialing', why: fault, attempt: 1, tries })],
    'held held held',
  ],
  [
    'a backend is found over the second',
    [dialing, ready, doubt({ at: 'dialing', why: fault, attempt: 1, tries }), stage('backend')],
    'launching launching held',
  ],
  ['it is waited for', [dialing, ready, doubt({ at: 'alone', why: fault })], 'held held held'],
  ['nobody knows where it listens', [dialing, up(null), trying], 'launching open open'],
  ['it restarts', [dialing, ready, { type: 'relay.restarting', relay, why: 'x' }], 'held held held'],
  [
    'it stops',
    [ready, up(null), { type: 'relay.stopping', relay, why: 'x' }],
    'RELAY_STOPPED RELAY_STOPPED RELAY_STOPPED',
  ],
];

test('what a client can hope for follows from its forward and the best lane', (t) => {
  t.match(prospectOf(relay, null, 0), { is: 'hopeless', fault: { code: 'RELAY_STOPPED' } });
  for (const [name, facts, expected] of rows) {
    const all = name === 'declared only' ? facts : [...declared, ...facts];
    const snapshot = all.reduce(
      (seen, fact, index) => fold(seen, { ...fact, id: index + 1, at: index }),
      emptySnapshot,
    );
    const shown = forwards.map((_, index) => {
      const prospect = prospectOf(relay, snapshot.relays[relay] ?? null, index);
      if (prospect.is === 'hopeless') return prospect.fault.code;
      return prospect.is === 'held' && prospect.launching ? 'launching' : prospect.is;
    });
    t.equal(shown.join(' '), expected, name);
  }
  t.end();
});
