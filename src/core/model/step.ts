import type { FaultReport } from './fault.ts';
import { dial, fail, lose, withhold } from './next-attempt.ts';
import { hastened, noTries, restAfter, restOf } from './rest.ts';
import type { LaneState } from './state.ts';

/** What can happen to a lane. */
export type LaneInput =
  /** `forced`: the user asked for it, refused credentials may be tried again. */
  | { readonly type: 'start'; readonly forced: boolean }
  /** The link is up, and what it leads to is ready. */
  | { readonly type: 'linked' }
  /** What was being tried failed: the link, or over a link that is up, the backend. */
  | { readonly type: 'failed'; readonly fault: FaultReport }
  /** The host, or the credentials, are to be left alone until then, because of what somebody else met. */
  | { readonly type: 'withheld'; readonly fault: FaultReport; readonly until: number }
  | { readonly type: 'lost'; readonly fault: FaultReport }
  /** The link is well, but the backend behind it has gone, or is to be proved anew. */
  | { readonly type: 'unbacked' }
  /** The backend is there again. */
  | { readonly type: 'backed' }
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
  | { readonly do: 'cancel-back' }
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

type Up = Extract<LaneState, { at: 'up' }>;

const stay = (state: LaneState): LaneStep => ({ state, effects: [] });

/** The one function that decides the life of a lane. Pure: the driver performs the effects and announces the state. */
export function step(state: LaneState, input: LaneInput, now: number, policy: LanePolicy): LaneStep {
  if (state.at === 'ended') return stay(state);
  switch (input.type) {
    case 'start':
      return state.at === 'idle' ? dial(1, noTries, false, input.forced) : stay(state);
    case 'linked': {
      if (state.at !== 'dialing') return { state, effects: [{ do: 'close-link' }] };
      const { attempt, tries } = state;
      return { state: { at: 'up', since: now, attempt, tries, backing: null }, effects: [] };
    }
    case 'failed':
      if (state.at === 'up') return unback(state, input.fault, now, policy);
      return state.at === 'dialing' ? fail(state, input.fault, now, policy) : stay(state);
    case 'withheld':
      return state.at === 'dialing' ? withhold(state, input.fault, input.until, now) : stay(state);
    case 'lost':
      if (state.at === 'draining') return end([{ do: 'disarm' }, { do: 'close-link' }]);
      return state.at === 'up' ? after(calm(state), lose(state, input.fault, now, policy)) : stay(state);
    case 'unbacked':
      return state.at === 'up' ? after(calm(state), back(state)) : stay(state);
    case 'backed':
      if (state.at !== 'up' || state.backing?.at !== 'trying') return stay(state);
      return stay({ ...state, backing: null });
    case 'timer':
      return ring(state, now);
    case 'nudge':
      return nudge(state, input.why, now);
    case 'drain': {
      if (state.at !== 'up') return end(leave(state));
      const until = now + policy.drain;
      const cancel: readonly LaneEffect[] = state.backing?.at === 'trying' ? [{ do: 'cancel-back' }] : [];
      return {
        state: { at: 'draining', until },
        effects: [...cancel, { do: 'drain' }, { do: 'arm', at: until }],
      };
    }
    case 'stop':
      return end(leave(state));
  }
}

/** Has the backend brought over the link that is there; who is at it already goes on. */
function back(state: Up): LaneStep {
  if (state.backing?.at === 'trying') return stay(state);
  const tries = state.backing?.tries ?? noTries;
  return { state: { ...state, backing: { at: 'trying', tries } }, effects: [{ do: 'back' }] };
}

/** The backend did not come; the link that leads to it is as good as before. */
function unback(state: Up, fault: FaultReport, now: number, policy: LanePolicy): LaneStep {
  if (state.backing?.at !== 'trying') return stay(state);
  const { rest, effects } = restAfter(state.backing.tries, fault, now, policy);
  return { state: { ...state, backing: rest }, effects };
}

function end(effects: readonly LaneEffect[]): LaneStep {
  return { state: { at: 'ended' }, effects };
}

/** Where a clock runs for a rest, it stops. */
function calm(state: LaneState): readonly LaneEffect[] {
  return restOf(state) === null ? [] : [{ do: 'disarm' }];
}

function after(effects: readonly LaneEffect[], next: LaneStep): LaneStep {
  return { state: next.state, effects: [...effects, ...next.effects] };
}

function leave(state: LaneState): readonly LaneEffect[] {
  switch (state.at) {
    case 'dialing':
      return [{ do: 'cancel-dial' }];
    case 'up':
      return [...calm(state), { do: 'close-link' }];
    case 'draining':
      return [{ do: 'disarm' }, { do: 'close-link' }];
    case 'waiting':
    case 'blocked':
      return calm(state);
    case 'idle':
    case 'ended':
      return [];
  }
}

function ring(state: LaneState, now: number): LaneStep {
  if (state.at === 'draining') return now >= state.until ? end([{ do: 'close-link' }]) : rearm(state, state.until);
  const rest = restOf(state);
  if (rest === null || rest.until === null) return stay(state);
  return now < rest.until ? rearm(state, rest.until) : again(state, false);
}

function rearm(state: LaneState, at: number): LaneStep {
  return { state, effects: [{ do: 'arm', at }] };
}

/** The rest is over. */
function again(state: LaneState, forced: boolean): LaneStep {
  if (state.at === 'up') return back(state);
  if (state.at !== 'waiting' && state.at !== 'blocked') return stay(state);
  return dial(state.attempt + 1, state.tries, state.before, forced);
}

function nudge(state: LaneState, why: Nudge, now: number): LaneStep {
  const rest = restOf(state);
  const until = rest === null ? null : hastened(rest, why, now);
  if (until === null) return stay(state);
  if (until <= now) return after(calm(state), again(state, why === 'files' || why === 'answer' || why === 'user'));
  return rearm(shortened(state, until), until);
}

function shortened(state: LaneState, until: number): LaneState {
  if (state.at === 'waiting') return { ...state, until };
  return state.at === 'up' && state.backing?.at === 'waiting'
    ? { ...state, backing: { ...state.backing, until } }
    : state;
}
