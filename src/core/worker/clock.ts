import type { LaneState } from '../model/state.ts';

/** ms of a clock that never jumps; what lanes decide by. Who sets the wall clock must not prolong a wait. */
export function monotonic(): number {
  return performance.now();
}

/** A lane's state with its times as ms since the epoch: how others see it. The offset is taken anew, for it moves with each sleep. */
export function toWallClock(state: LaneState): LaneState {
  const wall = (at: number) => Math.round(at + Date.now() - performance.now());
  switch (state.at) {
    case 'up':
      return { ...state, since: wall(state.since) };
    case 'waiting':
      return { ...state, from: wall(state.from), until: wall(state.until) };
    case 'blocked':
      return { ...state, until: state.until === null ? null : wall(state.until) };
    case 'draining':
      return { ...state, until: wall(state.until) };
    default:
      return state;
  }
}
