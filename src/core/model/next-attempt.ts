import { type FaultReport, leavesHostAlone, retryOf } from './fault.ts';
import { flapWait, noTries, restAfter } from './rest.ts';
import type { Tries } from './state.ts';
import type { LaneEffect, LanePolicy, LaneStep } from './lane-step.ts';

/** Begins attempt number `attempt`. `before`: it was up since its start. `forced`: refused credentials may be tried again. */
export function dial(attempt: number, tries: Tries, before: boolean, forced: boolean): LaneStep {
  return { state: { at: 'dialing', attempt, tries, before }, effects: [{ do: 'dial', forced }] };
}

/** The attempt failed. */
export function fail(
  { attempt, tries, before }: { readonly attempt: number; readonly tries: Tries; readonly before: boolean },
  fault: FaultReport,
  now: number,
  policy: LanePolicy,
): LaneStep {
  const { rest, effects } = restAfter(tries, fault, now, policy);
  return { state: { ...rest, attempt, before }, effects };
}

/** The attempt was not allowed: until when, another one's failure says. */
export function withhold(
  { attempt, tries, before }: { readonly attempt: number; readonly tries: Tries; readonly before: boolean },
  fault: FaultReport,
  until: number,
  now: number,
): LaneStep {
  const arm: LaneEffect = { do: 'arm', at: until };
  if (leavesHostAlone(fault)) {
    return { state: { at: 'waiting', attempt, tries, from: now, until, fault, before }, effects: [arm] };
  }
  // Waiting does not answer it.
  if (retryOf(fault) === 'never') {
    return { state: { at: 'blocked', attempt, tries, until: null, fault, before }, effects: [{ do: 'watch-files' }] };
  }
  return { state: { at: 'blocked', attempt, tries, until, fault, before }, effects: [arm, { do: 'watch-files' }] };
}

/**
 * A link that had settled counts as a success: the next attempt is made at once and the counting starts anew. One that had not
 * counts by itself: a login that is thrown out at once leaves traces, so that after ten no client hurries the next.
 */
export function lose(
  state: { readonly since: number; readonly attempt: number; readonly tries: Tries },
  fault: FaultReport,
  now: number,
  policy: LanePolicy,
): LaneStep {
  const close: LaneEffect = { do: 'close-link' };
  const retry = retryOf(fault);
  if (now - state.since >= policy.settle && (retry === 'soon' || retry === 'stage')) {
    return {
      state: { at: 'dialing', attempt: 1, tries: noTries, before: true, lost: fault },
      effects: [close, { do: 'dial', forced: false }],
    };
  }
  if (retry !== 'soon' && retry !== 'stage') {
    const { attempt, tries } = state;
    const failed = fail({ attempt, tries, before: true }, fault, now, policy);
    return { state: failed.state, effects: [close, ...failed.effects] };
  }
  const flaps = state.tries.flaps + 1;
  const tries: Tries = { of: 'flap', count: flaps, flaps };
  const until = now + flapWait(flaps, policy);
  return {
    state: { at: 'waiting', attempt: state.attempt, tries, from: now, until, fault, before: true },
    effects: [close, { do: 'arm', at: until }],
  };
}
