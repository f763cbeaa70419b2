import type { LaneState, Rest } from '../model/state.ts';

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
      const { backing } = state;
      return {
        ...state,
        since: wall(state.since),
        backing: backing === null || backing.at === 'trying' ? backing : shown(backing),
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
