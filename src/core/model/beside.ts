import { arrive } from './arrive.ts';
import { Fault, type FaultReport } from './fault.ts';
import { withhold } from './next-attempt.ts';
import { hastened, isForced, noTries, restAfter } from './rest.ts';
import type { Beside, LaneState, Rest } from './state.ts';
import type { BesideInput, LaneEffect, LanePolicy, LaneStep, Nudge, Up } from './lane-step.ts';

/**
 * So long a second link that was begun in vain is held against the next doubt, ms. A handshake that is given up leaves a line at the server,
 * and fail2ban's default bans at the fifth in ten minutes.
 */
const memory = 600_000;
/** So many are begun in vain within that; the next doubt waits for its own link. */
const mostVain = 3;

type Dialing = Extract<Beside, { at: 'dialing' }>;
type Resting = Extract<Beside, { at: 'waiting' | 'blocked' }>;
type Success = Extract<BesideInput, { type: 'beside-linked' | 'replaced' | 'beside-unready' }>;
type Input = Exclude<BesideInput, Success>;

const stay = (state: LaneState): LaneStep => ({ state, effects: [] });

/** A link that did not answer in time: nobody new is led over it. */
export function isSilent(beside: Beside | null): boolean {
  return beside !== null && beside.at !== 'doubting';
}

/** What happens to a lane that is up while the life of its link is in doubt. */
export function besides(state: Up, input: Input, now: number, policy: LanePolicy): LaneStep {
  switch (input.type) {
    case 'suspected':
      return suspect(state, input, now, policy);
    case 'trusted':
      return trust(state, now);
    case 'beside-failed': {
      if (state.beside?.at !== 'dialing') return stay(state);
      const { rest, effects } = restAfter(state.beside.tries, input.fault, now, policy);
      return pause(state, state.beside, rest, effects);
    }
    case 'beside-withheld': {
      if (state.beside?.at !== 'dialing') return stay(state);
      const { attempt, tries } = state.beside;
      const { state: held, effects } = withhold({ attempt, tries, before: true }, input.fault, input.until, now);
      return held.at === 'waiting' || held.at === 'blocked' ? pause(state, state.beside, held, effects) : stay(state);
    }
    case 'beside-timer':
      return ring(state, now, policy);
  }
}

function suspect(
  state: Up,
  { where, since, patience, gone }: Extract<Input, { type: 'suspected' }>,
  now: number,
  policy: LanePolicy,
): LaneStep {
  const { beside } = state;
  if (gone !== null) {
    // One that is waited for, though it could be replaced, was only spared a handshake.
    if (isSilent(beside) && !(beside?.at === 'alone' && policy.replaceable)) return stay(state);
    const text = `the address ${gone} of this machine is gone, over which ${where} was reached`;
    // Nothing can come over it any more: no second link is in vain.
    return begin(state, new Fault('LINK_SILENT', text), leaveBeside(beside), policy, []);
  }
  if (beside !== null) return stay(state);
  const vain = state.vain.filter((at) => now - at < memory);
  const until = now + patience * 2 ** vain.length;
  return {
    state: { ...state, vain, beside: { at: 'doubting', where, since, until } },
    effects: [{ do: 'arm-beside', at: until }],
  };
}

/** The first sign of life: nothing has changed for anybody. */
function trust(state: Up, now: number): LaneStep {
  const { beside, backing, vain } = state;
  if (beside === null) return stay(state);
  const again: readonly LaneEffect[] = isSilent(beside) && backing?.at === 'trying' ? [{ do: 'back' }] : [];
  const begun = beside.at === 'dialing' || beside.at === 'waiting' || beside.at === 'blocked';
  return {
    state: { ...state, beside: null, vain: begun ? [...vain, now] : vain },
    effects: [...leaveBeside(beside), ...again],
  };
}

/** It is known where the backend listens: that says which forwards lead there. */
export function knowing({ kept: _kept, ...state }: Up): Up {
  return state;
}

/**
 * The second link is up. It takes the place of the first once its backend is there; at once where the first has not got its own either: then it
 * is no worse, and may be better.
 */
export function succeed(state: Up, beside: Dialing, input: Success, now: number, policy: LanePolicy): LaneStep {
  switch (input.type) {
    case 'replaced':
      return replace(beside, null, now);
    case 'beside-linked':
      if (input.kept !== null && state.backing === null) return { state, effects: [{ do: 'back-beside' }] };
      return replace(beside, input.kept, now);
    case 'beside-unready': {
      const { rest, effects } = restAfter(state.backing === null ? beside.tries : noTries, input.fault, now, policy);
      if (state.backing === null) {
        const paused = pause(state, beside, { ...rest, made: true }, effects);
        return { state: paused.state, effects: [{ do: 'cancel-beside' }, ...paused.effects] };
      }
      const { attempt, tries } = beside;
      const { kept } = input;
      const next: Up = { at: 'up', since: now, attempt, tries, kept, backing: rest, beside: null, vain: [] };
      return { state: next, effects: [{ do: 'retire' }, ...effects] };
    }
  }
}

function replace(beside: Dialing, kept: readonly number[] | null, now: number): LaneStep {
  const { state, effects } = arrive(beside, kept, now);
  return { state, effects: [{ do: 'retire' }, ...effects] };
}

function ring(state: Up, now: number, policy: LanePolicy): LaneStep {
  const { beside } = state;
  if (beside === null || beside.at === 'dialing' || beside.at === 'alone' || beside.until === null) return stay(state);
  if (now < beside.until) return { state, effects: [{ do: 'arm-beside', at: beside.until }] };
  if (beside.at !== 'doubting') return again(state, beside, false, []);
  const seconds = Math.max(1, Math.round((now - beside.since) / 1_000));
  const text = `nothing was heard from ${beside.where} for ${seconds} s`;
  return begin(state, new Fault('LINK_SILENT', text), [], policy, state.vain);
}

/** `vain`: when a second link was begun in vain lately. */
function begin(
  state: Up,
  fault: Fault,
  calm: readonly LaneEffect[],
  { replaceable }: LanePolicy,
  vain: readonly number[],
): LaneStep {
  const report = (next: string): FaultReport => ({ ...fault.report(), message: `${fault.message}; ${next}` });
  const cancel: readonly LaneEffect[] = state.backing?.at === 'trying' ? [{ do: 'cancel-back' }] : [];
  if (!replaceable || vain.length >= mostVain) {
    const why = report(
      replaceable
        ? `it is waited for, since ${mostVain} second links were made in vain lately`
        : 'its backend would end with this link, which is waited for',
    );
    return { state: { ...state, beside: { at: 'alone', why } }, effects: [...calm, ...cancel, { do: 'yield' }] };
  }
  const why = report('a second link is made beside the first');
  return {
    state: { ...state, beside: { at: 'dialing', why, attempt: 1, tries: noTries } },
    effects: [...calm, ...cancel, { do: 'yield' }, { do: 'dial-beside', forced: false }],
  };
}

function pause(
  state: Up,
  { why, attempt }: Dialing,
  rest: Rest & Pick<Resting, 'made'>,
  effects: readonly LaneEffect[],
): LaneStep {
  const arms = effects.map((effect): LaneEffect => (effect.do === 'arm' ? { ...effect, do: 'arm-beside' } : effect));
  return { state: { ...state, beside: { ...rest, why, attempt } }, effects: arms };
}

function again(state: Up, { why, attempt, tries }: Resting, forced: boolean, calm: readonly LaneEffect[]): LaneStep {
  return {
    state: { ...state, beside: { at: 'dialing', why, attempt: attempt + 1, tries } },
    effects: [...calm, { do: 'dial-beside', forced }],
  };
}

/** Something may let the second link be made sooner. */
export function hurryBeside(state: Up, why: Nudge, now: number, useful: boolean): LaneStep {
  const { beside } = state;
  if (beside?.at !== 'waiting' && beside?.at !== 'blocked') return stay(state);
  const until = hastened(beside, why, now, useful);
  if (until === null) return stay(state);
  if (until <= now) return again(state, beside, isForced(why), [{ do: 'disarm-beside' }]);
  if (beside.at === 'blocked') return stay(state);
  return { state: { ...state, beside: { ...beside, until } }, effects: [{ do: 'arm-beside', at: until }] };
}

/**
 * The first link is lost: what was begun beside it becomes the lane's own attempt, or its rest. Null: nothing was. It does not count as a link
 * that was thrown out, save where it was one.
 */
export function inherit(
  state: Up,
  beside: Beside,
  lost: FaultReport,
  now: number,
  { settle }: LanePolicy,
): LaneStep | null {
  if (beside.at === 'doubting' || beside.at === 'alone') return null;
  // A link can be had: only its backend could not, and that has a rest of its own.
  if (beside.at !== 'dialing' && beside.made === true) return null;
  const settled = now - state.since >= settle;
  const tries = { ...beside.tries, flaps: settled ? 0 : state.tries.flaps + 1 };
  const close: LaneEffect = { do: 'close-link' };
  if (beside.at === 'dialing') {
    const { attempt } = beside;
    return { state: { at: 'dialing', attempt, tries, before: true, lost }, effects: [close, { do: 'promote' }] };
  }
  const { why: _kept, ...rest } = beside;
  const arm: readonly LaneEffect[] = rest.until === null ? [] : [{ do: 'arm', at: rest.until }];
  const watch: readonly LaneEffect[] = rest.at === 'blocked' ? [{ do: 'watch-files' }] : [];
  return { state: { ...rest, tries, before: true }, effects: [{ do: 'disarm-beside' }, close, ...arm, ...watch] };
}

/** What ends with the doubt. */
export function leaveBeside(beside: Beside | null): readonly LaneEffect[] {
  switch (beside?.at) {
    case 'dialing':
      return [{ do: 'cancel-beside' }];
    case 'doubting':
    case 'waiting':
    case 'blocked':
      return [{ do: 'disarm-beside' }];
    default:
      return [];
  }
}

/** What there is to tell of a link's life after a step: that it is silent, answered after all, or was replaced. */
export type DoubtNews =
  | { readonly news: 'doubted'; readonly fault: FaultReport }
  | { readonly news: 'answered' | 'replaced'; readonly fault: null };

/** Null: nothing. A doubt that is over before anything was done for it is no news. */
export function newsOfDoubt(before: LaneState, now: LaneState): DoubtNews | null {
  if (before.at !== 'up' || now.at !== 'up') return null;
  const was = isSilent(before.beside);
  if (now.beside !== null && now.beside.at !== 'doubting')
    return was ? null : { news: 'doubted', fault: now.beside.why };
  if (!was) return null;
  return { news: before.since === now.since ? 'answered' : 'replaced', fault: null };
}
