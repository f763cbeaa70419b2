import { test } from 'tap';
import type { Fact } from '../../../src/core/model/event.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { emptySnapshot, fold } from '../../../src/core/model/snapshot.ts';
import type { LaneState } from '../../../src/core/model/state.ts';
import { lanesBlockedBy } from '../../../src/core/supervisor/logins/waiting-question.ts';

test('an answer reaches whoever is blocked for it: a lane, and one whose second link is', (t) => {
  const tries = { of: 'none', count: 0, flaps: 0 } as const;
  const wanted = (about: string) => new Fault('NEEDS_ANSWER', 'nobody was there', { detail: { about } }).report();
  const rest = (about: string) => ({ at: 'blocked', attempt: 1, tries, until: null, fault: wanted(about) }) as const;
  const up = (about: string): LaneState => {
    const beside = { ...rest(about), why: new Fault('LINK_SILENT', 'no answer').report() };
    return { at: 'up', since: 0, attempt: 1, tries, backing: null, beside, vain: [] };
  };
  const states: Readonly<Record<string, LaneState>> = {
    alone: { ...rest('this'), before: false },
    beside: up('this'),
    other: up('that'),
    well: { at: 'up', since: 0, attempt: 1, tries, backing: null, beside: null, vain: [] },
  };
  const facts = Object.entries(states).flatMap(([relay, state]): Fact[] => [
    { type: 'relay.declared', relay, host: 'h', lanes: 1, forwards: [] },
    { type: 'lane.changed', relay, lane: 0, state },
  ]);
  const snapshot = facts.reduce((now, fact, index) => fold(now, { ...fact, id: index, at: 0 }), emptySnapshot);
  t.same(lanesBlockedBy('this', snapshot), [
    { relay: 'alone', lane: 0 },
    { relay: 'beside', lane: 0 },
  ]);
  t.end();
});
