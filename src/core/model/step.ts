import { arrive } from './arrive.ts';
import { besides, hurryBeside, inherit, isSilent, knowing, leaveBeside, succeed } from './beside.ts';
import { type FaultReport, retryOf } from './fault.ts';
import { dial, fail, lose, withhold } from './next-attempt.ts';
import { hastened, isForced, noTries, restAfter, restOf } from './rest.ts';
import type { LaneEffect, LaneInput, LanePolicy, LaneStep, Nudge, Up } from './lane-step.ts';
import type { LaneState } from './state.ts';

const stay = (state: LaneState): LaneStep => ({ state, effects: [] });

/** The one function that decides the life of a lane. Pure: the driver performs the effects and announces the state. */
export function step(state: LaneState, input: LaneInput, now: number, policy: LanePolicy): LaneStep {
  if (state.at === 'ended') return stay(state);
  switch (input.type) {
    case 'start':
      return state.at === 'idle' ? dial(1, noTries, false, input.forced) : stay(state);
    case 'linked': {
      if (state.at !== 'dialing') return { state, effects: [{ do: 'close-link' }] };
      return arrive(state, input.kept, now);
    }
    case 'stumbled':
      return state.at === 'up' ? stay(stumble(state, input.kept)) : stay(state);
    case 'failed':
      if (state.at === 'up') return unback(state, input.fault, now, policy);
      return state.at === 'dialing' ? fail(state, input.fault, now, policy) : stay(state);
    case 'withheld':
      return state.at === 'dialing' ? withhold(state, input.fault, input.until, now) : stay(state);
    case 'lost':
      // Who is joined over one that was replaced has as long as was said.
      if (state.at === 'draining' && policy.retired) return { state, effects: [{ do: 'close-link' }] };
      if (state.at === 'draining') return end([{ do: 'disarm' }, { do: 'close-link' }]);
      return state.at === 'up' ? after(calm(state), lost(state, input.fault, now, policy)) : stay(state);
    case 'unbacked':
      return state.at === 'up' ? after(calm(state), back(state)) : stay(state);
    case 'usurped':
      return state.at === 'up' && state.backing === null ? usurp(state, input.fault, input.until, now) : stay(state);
    case 'backed':
      if (state.at !== 'up' || state.backing?.at !== 'trying') return stay(state);
      return stay({ ...knowing(state), backing: null });
    case 'suspected':
    case 'trusted':
    case 'beside-failed':
    case 'beside-withheld':
    case 'beside-timer':
      return state.at === 'up' ? besides(state, input, now, policy) : stay(state);
    case 'beside-linked':
    case 'replaced':
    case 'beside-unready': {
      if (state.at !== 'up' || state.beside?.at !== 'dialing') return { state, effects: [{ do: 'cancel-beside' }] };
      const next = succeed(state, state.beside, input, now, policy);
      return next.effects.some((effect) => effect.do === 'retire') ? after(calm(state), next) : next;
    }
    case 'timer':
      return ring(state, now);
    case 'nudge':
      return nudge(state, input.why, now, policy);
    case 'drain': {
      const away = state.at === 'dialing' || state.at === 'waiting' || state.at === 'blocked';
      if (state.at !== 'up' && !(away && policy.retired)) return end(leave(state));
      const until = now + policy.drain;
      const draining: LaneStep = {
        state: { at: 'draining', until },
        effects: [{ do: 'drain' }, { do: 'arm', at: until }],
      };
      if (state.at !== 'up') return after(leave(state), draining);
      const cancel: readonly LaneEffect[] = state.backing?.at === 'trying' ? [{ do: 'cancel-back' }] : [];
      return after([...leaveBeside(state.beside), ...cancel], draining);
    }
    case 'stop':
      return end(leave(state));
  }
}

/** A backend that came over this link once leads where it did; one that never came may be known better by what failed. */
function stumble(state: Up, kept: readonly number[]): Up {
  const { backing } = state;
  if (state.kept === undefined || backing?.at !== 'trying') return state;
  if (backing.fresh !== true && String(kept) === String(state.kept)) return state;
  return { ...state, kept, backing: { at: 'trying', tries: backing.tries } };
}

/** Has the backend brought over the link that is there; who is at it already goes on. */
function back(state: Up): LaneStep {
  if (state.backing?.at === 'trying') return stay(state);
  const tries = state.backing?.tries ?? noTries;
  // Over a link that does not answer nothing is brought: the second one brings it, or the first once it answers.
  const effects: readonly LaneEffect[] = isSilent(state.beside) ? [] : [{ do: 'back' }];
  return { state: { ...state, backing: { at: 'trying', tries } }, effects };
}

/** Nobody is led to a stranger; who hurries the backend that he displaced only feeds a quarrel over its place. */
function usurp(state: Up, fault: FaultReport, until: number, now: number): LaneStep {
  const backing = { at: 'waiting', tries: noTries, from: now, until, fault } as const;
  return { state: { ...state, backing }, effects: [{ do: 'arm', at: until }] };
}

/** The link is gone: what was begun beside it is the lane's next attempt. A fault that another link would meet as well ends that too. */
function lost(state: Up, fault: FaultReport, now: number, policy: LanePolicy): LaneStep {
  const { beside } = state;
  const retry = retryOf(fault);
  const same = retry !== 'soon' && retry !== 'stage';
  const next = same || beside === null ? null : inherit(state, beside, fault, now, policy);
  return next ?? after(leaveBeside(beside), lose(state, fault, now, policy));
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
      return [...calm(state), ...leaveBeside(state.beside), { do: 'close-link' }];
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

function nudge(state: LaneState, why: Nudge, now: number, { useful }: LanePolicy): LaneStep {
  const next = nudgeRest(state, why, now, useful);
  const hurried = next.state.at === 'up' ? hurryBeside(next.state, why, now, useful) : stay(next.state);
  return after(next.effects, hurried);
}

function nudgeRest(state: LaneState, why: Nudge, now: number, useful: boolean): LaneStep {
  const rest = restOf(state);
  const until = rest === null ? null : hastened(rest, why, now, useful);
  if (until === null) return stay(state);
  if (until <= now) return after(calm(state), again(state, isForced(why)));
  return rearm(shortened(state, until), until);
}

function shortened(state: LaneState, until: number): LaneState {
  if (state.at === 'waiting') return { ...state, until };
  return state.at === 'up' && state.backing?.at === 'waiting'
    ? { ...state, backing: { ...state.backing, until } }
    : state;
}
