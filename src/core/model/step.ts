import { type FaultReport, leavesHostAlone, retryOf } from './fault.ts';
import { dial, fail, flapsTooOften, lose, noTries, withhold } from './next-attempt.ts';
import { awaitsAnswer } from './question.ts';
import type { LaneState } from './state.ts';

/** What can happen to a lane. */
export type LaneInput =
  /** `forced`: the user asked for it, refused credentials may be tried again. */
  | { readonly type: 'start'; readonly forced: boolean }
  | { readonly type: 'linked' }
  | { readonly type: 'failed'; readonly fault: FaultReport }
  /** The host, or the credentials, are to be left alone until then, because of what somebody else met. */
  | { readonly type: 'withheld'; readonly fault: FaultReport; readonly until: number }
  | { readonly type: 'lost'; readonly fault: FaultReport }
  /** The link is well, but the backend behind it has gone. */
  | { readonly type: 'unbacked' }
  | { readonly type: 'timer' }
  /** Something changed that may cure the fault. */
  | { readonly type: 'nudge'; readonly why: Nudge }
  | { readonly type: 'drain' }
  | { readonly type: 'stop' };

/**
 * Why an attempt might do better now. A waiting client or a wake cures only what leaves no trace at the server; `host`: another lane
 * was let in, which cures a busy host and refused credentials; `answer`: what a person was to answer is known now.
 */
export type Nudge = 'client' | 'wake' | 'files' | 'host' | 'answer' | 'user';

/** What the driver must do, in this order. */
export type LaneEffect =
  | { readonly do: 'dial'; readonly forced: boolean }
  /** Bring the backend over the link that is there. */
  | { readonly do: 'back' }
  | { readonly do: 'cancel-dial' }
  | { readonly do: 'close-link' }
  | { readonly do: 'arm'; readonly at: number }
  | { readonly do: 'disarm' }
  | { readonly do: 'watch-files' }
  | { readonly do: 'drain' };

/** What `step` may know beyond state and input. */
export interface LanePolicy {
  /** ms a link must live to count as a success. */
  readonly settle: number;
  /** ms that open connections may go on after `drain`. */
  readonly drain: number;
  /** A number in [0, 1) for the jitter. */
  readonly random: number;
}

export interface LaneStep {
  readonly state: LaneState;
  readonly effects: readonly LaneEffect[];
}

const stay = (state: LaneState): LaneStep => ({ state, effects: [] });

/** The one function that decides the life of a lane. Pure: the driver performs the effects and announces the state. */
export function step(state: LaneState, input: LaneInput, now: number, policy: LanePolicy): LaneStep {
  if (state.at === 'ended') return stay(state);
  switch (input.type) {
    case 'start':
      return state.at === 'idle' ? dial(1, noTries, false, input.forced) : stay(state);
    case 'linked':
      if (state.at !== 'dialing') return { state, effects: [{ do: 'close-link' }] };
      return { state: { at: 'up', since: now, attempt: state.attempt, tries: state.tries }, effects: [] };
    case 'failed':
      return state.at === 'dialing' ? fail(state, input.fault, now, policy) : stay(state);
    case 'withheld':
      return state.at === 'dialing' ? withhold(state, input.fault, input.until, now) : stay(state);
    case 'lost':
      if (state.at === 'draining') return end([{ do: 'disarm' }, { do: 'close-link' }]);
      return state.at === 'up' ? lose(state, input.fault, now, policy) : stay(state);
    case 'unbacked':
      if (state.at !== 'up') return stay(state);
      return { state: { at: 'dialing', attempt: 1, tries: state.tries, before: true }, effects: [{ do: 'back' }] };
    case 'timer':
      return ring(state, now);
    case 'nudge':
      return nudge(state, input.why, now);
    case 'drain':
      if (state.at !== 'up') return end(leave(state));
      return {
        state: { at: 'draining', until: now + policy.drain },
        effects: [{ do: 'drain' }, { do: 'arm', at: now + policy.drain }],
      };
    case 'stop':
      return end(leave(state));
  }
}

function end(effects: readonly LaneEffect[]): LaneStep {
  return { state: { at: 'ended' }, effects };
}

function leave(state: LaneState): readonly LaneEffect[] {
  switch (state.at) {
    case 'dialing':
      return [{ do: 'cancel-dial' }];
    case 'up':
      return [{ do: 'close-link' }];
    case 'draining':
      return [{ do: 'disarm' }, { do: 'close-link' }];
    case 'waiting':
    case 'blocked':
      return [{ do: 'disarm' }];
    case 'idle':
    case 'ended':
      return [];
  }
}

function ring(state: LaneState, now: number): LaneStep {
  if (state.at === 'draining') return now >= state.until ? end([{ do: 'close-link' }]) : rearm(state, state.until);
  if ((state.at !== 'waiting' && state.at !== 'blocked') || state.until === null) return stay(state);
  if (now < state.until) return rearm(state, state.until);
  return dial(state.attempt + 1, state.tries, state.before, false);
}

function rearm(state: LaneState, at: number): LaneStep {
  return { state, effects: [{ do: 'arm', at }] };
}

/** Waiting clients may hurry an attempt, but never to less than this after the last one: a flood of them must not hammer. */
const hurry = 100;

function nudge(state: LaneState, why: Nudge, now: number): LaneStep {
  if (state.at !== 'waiting' && state.at !== 'blocked') return stay(state);
  const next = dial(
    state.attempt + 1,
    state.tries,
    state.before,
    why === 'files' || why === 'answer' || why === 'user',
  );
  const again: LaneStep = { state: next.state, effects: [{ do: 'disarm' }, ...next.effects] };
  if (why === 'host') {
    return leavesHostAlone(state.fault) || retryOf(state.fault) === 'refused' ? again : stay(state);
  }
  if (why === 'answer') return state.at === 'blocked' && awaitsAnswer(state.fault) ? again : stay(state);
  if (state.at === 'blocked') return why === 'files' || why === 'user' ? again : stay(state);
  if (why === 'user') return again;
  if (state.tries.of !== 'soon' || flapsTooOften(state.tries) || why === 'files') return stay(state);
  if (why === 'wake' || now >= state.from + hurry) return again;
  const until = state.from + hurry;
  return until < state.until ? rearm({ ...state, until }, until) : stay(state);
}
