import type { Event } from './event.ts';
import type { LaneSnapshot } from './snapshot.ts';
import type { LaneState, Stage } from './state.ts';

/** Nothing is under way. */
export const noStage = { stage: null, staged: null, note: null, bringing: null } as const;

/** A lane that no worker carries yet. */
export const emptyLane: LaneSnapshot = {
  pid: null,
  state: { at: 'idle' },
  ...noStage,
  link: null,
  machine: null,
  backend: null,
  fault: null,
  until: null,
  judged: [],
};

/** How far an attempt is; the clock of a stage begins with it, not with what is said in it. */
export function stageOf(lane: LaneSnapshot | undefined, stage: Stage, at: number, note: string | null = null) {
  return { stage, note, staged: lane?.stage === stage ? lane.staged : at };
}

/** Whether its backend is still being brought over the same link, whatever else has changed about that. */
export function goesOn(lane: LaneSnapshot | undefined, state: LaneState): boolean {
  return isBringing(lane?.state) && isBringing(state);
}

const isBringing = (state: LaneState | undefined) => state?.at === 'up' && state.backing?.at === 'trying';

/** What a lane is at by now. */
export function advanced(
  lane: LaneSnapshot | undefined,
  event: Extract<Event, { type: 'lane.advanced' }>,
): Partial<LaneSnapshot> {
  return { ...stageOf(lane, event.stage, event.at, event.note), bringing: bringingOf(lane, event) };
}

/** The clock of a try runs through all its stages. */
function bringingOf(lane: LaneSnapshot | undefined, { bringing, at }: Extract<Event, { type: 'lane.advanced' }>) {
  if (bringing === undefined) return null;
  const before = lane?.bringing ?? null;
  return { ...bringing, since: before?.number === bringing.number ? before.since : at };
}
