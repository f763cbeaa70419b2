import type { FaultReport } from './fault.ts';
import { isSilent } from './beside.ts';
import { isUseless, judgedBy } from './judged.ts';
import type { LaneSnapshot, RelaySnapshot } from './snapshot.ts';
import type { BackingState, LaneState, Word } from './state.ts';

/** A relay's word and the reason beside it. `until`: when the next attempt is made, ms since the epoch. */
export interface Standing {
  readonly word: Word;
  readonly reason: string;
  readonly fault: FaultReport | null;
  readonly until: number | null;
  /** True when each forward has a probe, and each probe agrees. */
  readonly verified: boolean;
}

/** The relay's word: from its best lane and its worst forward. Pure. */
export function standing(relay: RelaySnapshot): Standing {
  if (relay.running === 'stopped') return say('offline', 'stopped');
  if (relay.running === 'stopping') return say('draining', 'letting open connections end');
  if (relay.running === 'restarting') return say('draining', 'restarting, letting open connections end');
  const best = bestLane(relay);
  const lane = best === null ? null : (relay.lanes[best] ?? null);
  return lane === null ? standingAway(relay) : standingUp(relay, lane);
}

/** Lanes whose backend is missing come after all that have theirs. */
const backingRanks: Readonly<Record<BackingState['at'], number>> = { trying: 3, waiting: 4, blocked: 5 };

/** One whose link's life is in doubt comes after those that are well, one whose link does not answer after all others. */
const [doubtRank, silentRank] = [1.5, 6];

/** Index of the lane that clients go to: of those that are up, the one whose targets are best; null while none is up. */
export function bestLane({ lanes, forwards }: Pick<RelaySnapshot, 'lanes' | 'forwards'>): number | null {
  const ranks = { well: 0, unverified: 0, pending: 1, unwell: 2 };
  let best: { readonly index: number; readonly rank: number } | null = null;
  for (const [index, lane] of lanes.entries()) {
    if (lane.state.at !== 'up') continue;
    const { backing, beside } = lane.state;
    const judged = forwards.map((forward, index) => ranks[judgedBy(lane, forward, index).judgement]);
    const doubt = beside === null ? 0 : isSilent(beside) ? silentRank : doubtRank;
    const rank = doubt + (backing === null ? Math.max(...judged) : backingRanks[backing.at]);
    if (best === null || rank < best.rank) best = { index, rank };
  }
  return best?.index ?? null;
}

function say(word: Word, reason: string, fault: FaultReport | null = null, until: number | null = null): Standing {
  return { word, reason, fault, until, verified: false };
}

function standingAway({ lanes, before }: RelaySnapshot): Standing {
  const away: Word = before ? 'reconnecting' : 'connecting';
  for (const lane of lanes) {
    const { state, stage, note } = lane;
    if (state.at === 'waiting') return say(away, state.fault.message, state.fault, state.until);
    if (state.at !== 'dialing') continue;
    return say(away, `${note ?? `${stage ?? 'starting'}, attempt ${state.attempt}`}${tryOf(lane)}`);
  }
  const hopeless = lanes.map(hopelessness);
  const [first] = hopeless;
  if (first !== undefined && first !== null && !hopeless.includes(null)) return first;
  const ended = lanes.find((lane) => lane.fault !== null)?.fault ?? null;
  return say(away, ended?.message ?? 'starting a worker', ended);
}

/** Null for a lane that is on its way: one whose worker is about to be replaced is no less hopeful than one that dials. */
function hopelessness({ state, fault, until }: LaneSnapshot): Standing | null {
  if (state.at === 'blocked') return say('blocked', state.fault.message, state.fault, state.until);
  return fault?.code === 'WORKER_CRASHING' ? say('blocked', fault.message, fault, until) : null;
}

function standingUp({ lanes, forwards, before }: RelaySnapshot, lane: LaneSnapshot): Standing {
  const { state, stage, note } = lane;
  const { backing, beside } = state.at === 'up' ? state : { backing: null, beside: null };
  const far = note ?? stage;
  if (beside !== null && beside.at !== 'doubting') {
    const { message } = beside.why;
    if (beside.at === 'alone') return say('degraded', message, beside.why);
    if (beside.at === 'dialing') return say('degraded', `${message}${far === null ? '' : ` (${far})`}`, beside.why);
    return say('degraded', `${message}; that failed: ${beside.fault.message}`, beside.fault, beside.until);
  }
  if (backing !== null) {
    // Where nothing else is led to, the link alone is of no use; another lane may bring the backend yet.
    const useless = isUseless(lane, forwards);
    const hopeless = useless && backing.at === 'blocked' && !lanes.some(isDialing);
    const fresh = backing.at === 'trying' && backing.fresh === true;
    const away = before ? 'reconnecting' : 'connecting';
    const word = hopeless ? 'blocked' : fresh || (useless && !before) ? away : 'degraded';
    if (backing.at !== 'trying') return say(word, backing.fault.message, backing.fault, backing.until);
    const what = fresh ? 'the link is up, bringing its backend' : 'bringing its backend again over the same link';
    return say(word, `${what}${far === null ? '' : `: ${far}`}${tryOf(lane)}`);
  }
  for (const { listenFault, judgement, judgeFault } of forwards) {
    const fault = listenFault ?? (judgement === 'unwell' ? judgeFault : null);
    if (fault !== null) return say('degraded', fault.message, fault);
  }
  const unasked = forwards.find(({ bound, judgement }) => !bound || judgement === 'pending');
  if (unasked !== undefined) {
    const next = unasked.probed ? 'waiting for the first health check' : 'trying the target';
    return say(before ? 'reconnecting' : 'connecting', `the link is up, ${next}`);
  }
  const verified = forwards.every(({ judgement }) => judgement === 'well');
  const up = lanes.filter((lane) => isWell(lane.state)).length;
  const reasons = [...(verified ? [] : ['unverified']), ...(lanes.length === 1 ? [] : [`lanes ${up}/${lanes.length}`])];
  return { ...say('connected', reasons.join(', ')), verified };
}

/** Which try to bring the backend this is; the first is nothing to speak of, and a pause tells of it itself. */
function tryOf({ stage, bringing }: LaneSnapshot): string {
  const shown = bringing !== null && bringing.number > 1 && stage !== 'pause';
  return shown ? `, try ${bringing.number} of ${bringing.of}` : '';
}

/** It is on its way to a link, and to the backend behind that. */
export function isDialing({ state }: Pick<LaneSnapshot, 'state'>): boolean {
  return state.at === 'dialing';
}

/** Its link answers, as far as anybody knows, and its backend is there. */
function isWell(state: LaneState): boolean {
  return state.at === 'up' && state.backing === null && !isSilent(state.beside);
}
