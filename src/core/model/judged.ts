import { leadsToBackend } from './backend.ts';
import type { Ends } from './endpoint.ts';
import type { Judgement } from './event.ts';
import type { FaultReport } from './fault.ts';
import type { LaneSnapshot, RelaySnapshot } from './snapshot.ts';
import type { BackingState } from './state.ts';

/** What a lane's probe, or its last dial of the target, says of one forward. */
export interface Judged {
  readonly judgement: Judgement;
  readonly fault: FaultReport | null;
}

export const pending: Judged = { judgement: 'pending', fault: null };

/** How it stands with the backend that a lane brings, for a forward that leads to it; null: the forward is free to be used. */
export function backingOf(
  lane: Pick<LaneSnapshot, 'state' | 'backend'>,
  forward: Pick<Ends, 'kind' | 'target'>,
  index: number,
): BackingState | null {
  return lane.state.at === 'up' && isLed(lane, forward, index) ? lane.state.backing : null;
}

/** Whether a forward leads to the backend that a lane brings, as far as anybody knows. */
export function isLed(
  { state, backend }: Pick<LaneSnapshot, 'state' | 'backend'>,
  forward: Pick<Ends, 'kind' | 'target'>,
  index: number,
): boolean {
  const kept = state.at === 'up' ? state.kept : undefined;
  return kept?.includes(index) ?? leadsToBackend(forward, backend?.target ?? null);
}

/** Numbers of the forwards that wait for the backend that a lane brings. */
export function waitingFor(
  lane: Pick<LaneSnapshot, 'state' | 'backend'>,
  forwards: readonly Pick<Ends, 'kind' | 'target'>[],
): readonly number[] {
  return forwards.flatMap((forward, index) => (backingOf(lane, forward, index) === null ? [] : [index]));
}

/** Its link is of no use: each forward leads to a backend that is missing. */
export function isUseless(lane: Pick<LaneSnapshot, 'state' | 'backend'>, forwards: RelaySnapshot['forwards']): boolean {
  return waitingFor(lane, forwards).length === forwards.length;
}

/** What a lane says of one forward; `pending` where nobody has asked yet, or may before its backend is there again. */
export function judgedBy(
  lane: Pick<LaneSnapshot, 'state' | 'backend' | 'judged'>,
  forward: Pick<Ends, 'kind' | 'target'>,
  index: number,
): Judged {
  const backing = backingOf(lane, forward, index);
  if (backing === null) return lane.judged[index] ?? pending;
  return backing.at === 'trying' ? pending : { judgement: 'unwell', fault: backing.fault };
}
