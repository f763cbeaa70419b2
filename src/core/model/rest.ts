import { backoff } from './backoff.ts';
import type { RetryClass } from './fault-table.ts';
import { type FaultReport, leavesHostAlone, retryOf } from './fault.ts';
import { awaitsAnswer } from './question.ts';
import type { LaneState, Rest, Tries } from './state.ts';
import type { LaneEffect, LanePolicy, Nudge } from './lane-step.ts';

/** Nothing has failed so far. */
export const noTries: Tries = { of: 'none', count: 0, flaps: 0 };
/** So many links may be thrown out at once before it is taken to be no accident. */
const quickFlaps = 10;

/** Links are thrown out again and again: clients hurry the next one only where they are served by it, and then not much. */
function flapsTooOften({ flaps }: Tries): boolean {
  return flaps > quickFlaps;
}

/** The wait after so many links in a row that were lost before they settled, ms. */
export function flapWait(flaps: number, { random }: LanePolicy): number {
  return backoff('flap', flaps, random, false) ?? 0;
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

/** A rest, and what the driver does as it begins. */
export interface RestBegun {
  readonly rest: Rest;
  readonly effects: readonly LaneEffect[];
}

/** The rest after a failure: the fault says whether waiting cures it, and how long. */
export function restAfter(failed: Tries, fault: FaultReport, now: number, policy: LanePolicy): RestBegun {
  const retry = retryOf(fault);
  if (retry === 'soon' || retry === 'stage' || retry === 'command' || retry === 'busy') {
    const tries = count(failed, retry);
    const silent = fault.code === 'CLOSED_EARLY' || fault.code === 'PROXY_COMMAND_FAILED';
    const wait = backoff(retry, tries.count, policy.random, silent) ?? 0;
    // A host that throws links out is not asked sooner because it also refuses some.
    const until = now + Math.max(wait, flapsTooOften(tries) ? flapWait(tries.flaps, policy) : 0);
    return { rest: { at: 'waiting', tries, from: now, until, fault }, effects: [{ do: 'arm', at: until }] };
  }
  const tries = count(failed, retry === 'refused' ? 'refused' : 'never');
  const wait = rests[retry] ?? backoff(retry, tries.count, policy.random, false);
  const until = wait === null ? null : now + wait;
  const arm: readonly LaneEffect[] = until === null ? [] : [{ do: 'arm', at: until }];
  return { rest: { at: 'blocked', tries, until, fault }, effects: [...arm, { do: 'watch-files' }] };
}

/** What a lane rests from: its link, or the backend behind a link that is up; null: it does not. */
export function restOf(state: LaneState): Rest | null {
  if (state.at === 'waiting' || state.at === 'blocked') return state;
  return state.at === 'up' && state.backing !== null && state.backing.at !== 'trying' ? state.backing : null;
}

/** Refused credentials may be tried again: what was refused is another thing now, or the user wants it. */
export function isForced(why: Nudge): boolean {
  return why === 'files' || why === 'answer' || why === 'user';
}

/** Waiting clients may hurry an attempt, but never to less than this after the last one: a flood of them must not hammer. */
const hurry = 100;
/** The same where links are thrown out: a server may end each one that is idle (UnusedConnectionTimeout of sshd_config), and serve whoever comes. */
const demand = 1_000;

/** When a rest ends because of this; null: no sooner than it would. `useful`: see `LanePolicy`. */
export function hastened(rest: Rest, why: Nudge, now: number, useful: boolean): number | null {
  const { fault, tries } = rest;
  if (why === 'user') return now;
  if (why === 'host') return leavesHostAlone(fault) || retryOf(fault) === 'refused' ? now : null;
  if (rest.at === 'blocked') return why === 'files' || (why === 'answer' && awaitsAnswer(fault)) ? now : null;
  const thrownOut = tries.of === 'flap' || (tries.of === 'soon' && flapsTooOften(tries));
  if (thrownOut) return why === 'client' && useful ? sooner(rest, now, demand) : null;
  if (tries.of !== 'soon' || why === 'files' || why === 'answer') return null;
  return why === 'wake' || why === 'network' ? now : sooner(rest, now, hurry);
}

/** So many ms after it began, if that is no later than it would be anyway. */
function sooner({ from, until }: Extract<Rest, { at: 'waiting' }>, now: number, least: number): number | null {
  const then = Math.max(now, from + least);
  return then === now || then < until ? then : null;
}
