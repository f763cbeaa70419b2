import { backoff } from './backoff.ts';
import type { RetryClass } from './fault-table.ts';
import { type FaultReport, leavesHostAlone, retryOf } from './fault.ts';
import type { Tries } from './state.ts';
import type { LaneEffect, LanePolicy, LaneStep } from './step.ts';

/** Nothing has failed so far. */
export const noTries: Tries = { of: 'none', count: 0, flaps: 0 };
/** So many links may be thrown out at once before it is taken to be no accident. */
const quickFlaps = 10;

/** Links are thrown out again and again: no client hurries the next one. */
export function flapsTooOften({ flaps }: Tries): boolean {
  return flaps > quickFlaps;
}

/** Begins attempt number `attempt`. `before`: it was up since its start. `forced`: refused credentials may be tried again. */
export function dial(attempt: number, tries: Tries, before: boolean, forced: boolean): LaneStep {
  return { state: { at: 'dialing', attempt, tries, before }, effects: [{ do: 'dial', forced }] };
}

/** A host that refuses now and is mute then gets no quicker steps for the change: the quick classes count together. */
function count(tries: Tries, of: Tries['of']): Tries {
  const quick = (one: Tries['of']) => one === 'soon' || one === 'stage';
  const again = tries.of === of || (quick(tries.of) && quick(of));
  return { of, count: again ? tries.count + 1 : 1, flaps: tries.flaps };
}

/**
 * How long a lane is blocked by what may cure itself, and costs the server a login to find out, or this machine a process, ms. `forward`: its
 * backend, or the token of it, is not there yet. `launch` gets a longer rest: each try runs the user's command on the host.
 */
const rests: Partial<Record<RetryClass, number>> = {
  crash: 60_000,
  absent: 60_000,
  policy: 60_000,
  forward: 60_000,
  launch: 300_000,
};

/** The attempt failed: the fault says whether waiting cures it, and how long. */
export function fail(
  state: { readonly attempt: number; readonly tries: Tries; readonly before: boolean },
  fault: FaultReport,
  now: number,
  policy: LanePolicy,
): LaneStep {
  const retry = retryOf(fault);
  const { attempt, before } = state;
  if (retry === 'soon' || retry === 'stage' || retry === 'command' || retry === 'busy') {
    const tries = count(state.tries, retry);
    const silent = fault.code === 'CLOSED_EARLY' || fault.code === 'PROXY_COMMAND_FAILED';
    const wait = backoff(retry, tries.count, policy.random, silent) ?? 0;
    // A host that throws links out is not asked sooner because it also refuses some.
    const until = now + Math.max(wait, flapsTooOften(tries) ? flapWait(tries.flaps, policy) : 0);
    return {
      state: { at: 'waiting', attempt, tries, from: now, until, fault, before },
      effects: [{ do: 'arm', at: until }],
    };
  }
  const tries = count(state.tries, retry === 'refused' ? 'refused' : 'never');
  const wait = rests[retry] ?? backoff(retry, tries.count, policy.random, false);
  const until = wait === null ? null : now + wait;
  const arm: readonly LaneEffect[] = until === null ? [] : [{ do: 'arm', at: until }];
  return {
    state: { at: 'blocked', attempt, tries, until, fault, before },
    effects: [...arm, { do: 'watch-files' }],
  };
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
    const next = dial(1, noTries, true, false);
    return { state: next.state, effects: [close, ...next.effects] };
  }
  if (retry !== 'soon' && retry !== 'stage') {
    const failed = fail({ ...state, before: true }, fault, now, policy);
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

function flapWait(flaps: number, { random }: LanePolicy): number {
  return backoff('flap', flaps, random, false) ?? 0;
}
