import type { Beside, LaneState, Rest } from '../model/state.ts';

/** ms of a clock that never jumps; what lanes decide by. Who sets the wall clock must not prolong a wait. */
export function monotonic(): number {
  return performance.now();
}

/** A lane's state with its times as ms since the epoch: how others see it. The offset is taken anew, for it moves with each sleep. */
export function toWallClock(state: LaneState): LaneState {
  const wall = (at: number) => Math.round(at + Date.now() - performance.now());
  const shown = (rest: Rest): Rest =>
    rest.at === 'waiting'
      ? { ...rest, from: wall(rest.from), until: wall(rest.until) }
      : { ...rest, until: rest.until === null ? null : wall(rest.until) };
  switch (state.at) {
    case 'up': {
      const { backing, beside, vain } = state;
      return {
        ...state,
        since: wall(state.since),
        backing: backing === null || backing.at === 'trying' ? backing : shown(backing),
        beside: beside === null ? null : besideShown(beside, wall, shown),
        vain: vain.map(wall),
      };
    }
    case 'waiting':
    case 'blocked':
      return { ...state, ...shown(state) };
    case 'draining':
      return { ...state, until: wall(state.until) };
    default:
      return state;
  }
}

function besideShown(beside: Beside, wall: (at: number) => number, shown: (rest: Rest) => Rest): Beside {
  switch (beside.at) {
    case 'doubting':
      return { ...beside, since: wall(beside.since), until: wall(beside.until) };
    case 'waiting':
    case 'blocked':
      return { ...beside, ...shown(beside) };
    case 'dialing':
    case 'alone':
      return beside;
  }
}
