import { leadsToBackend } from './backend.ts';
import type { Ends } from './endpoint.ts';
import type { Judgement } from './event.ts';
import type { FaultReport } from './fault.ts';
import type { LaneSnapshot } from './snapshot.ts';
import type { BackingState } from './state.ts';

/** What a lane's probe, or its last dial of the target, says of one forward. */
export interface Judged {
  readonly judgement: Judgement;
  readonly fault: FaultReport | null;
}

export const pending: Judged = { judgement: 'pending', fault: null };

/** How it stands with the backend that a lane brings again, for a forward that leads to it; null: the forward is free to be used. */
export function backingOf(
  lane: Pick<LaneSnapshot, 'state' | 'backend'>,
  forward: Pick<Ends, 'kind' | 'target'>,
): BackingState | null {
  const { state, backend } = lane;
  return state.at === 'up' && leadsToBackend(forward, backend?.target ?? null) ? state.backing : null;
}

/** What a lane says of one forward; `pending` where nobody has asked yet, or may before its backend is there again. */
export function judgedBy(
  lane: Pick<LaneSnapshot, 'state' | 'backend' | 'judged'>,
  forward: Pick<Ends, 'kind' | 'target'>,
  index: number,
): Judged {
  const backing = backingOf(lane, forward);
  if (backing === null) return lane.judged[index] ?? pending;
  return backing.at === 'trying' ? pending : { judgement: 'unwell', fault: backing.fault };
}
