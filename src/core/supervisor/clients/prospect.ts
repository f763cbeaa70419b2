import { Fault, type FaultReport } from '../../model/fault.ts';
import { isSilent } from '../../model/beside.ts';
import { backingOf, isLed } from '../../model/judged.ts';
import type { ForwardSnapshot, LaneSnapshot, RelaySnapshot } from '../../model/snapshot.ts';
import { bestLane, isDialing, standing } from '../../model/standing.ts';
import type { Stage } from '../../model/state.ts';

/** What a client of a forward can hope for now. */
export type Prospect =
  /** It is led to its target. */
  | { readonly is: 'open' }
  /** It waits; `launching`: for a backend that is being started or proved, which may take it longer than a link. */
  | { readonly is: 'held'; readonly launching: boolean }
  /** Waiting cannot bring what is missing. */
  | { readonly is: 'hopeless'; readonly fault: FaultReport };

const launchStages: readonly (Stage | null)[] = ['backend', 'token', 'proof'];

/** What a client of this forward of a relay can hope for. Pure. */
export function prospectOf(name: string, relay: RelaySnapshot | null, forward: number): Prospect {
  if (relay === null) return stopped(name);
  const { lanes, forwards, running } = relay;
  const { word, fault } = standing(relay);
  if (word === 'blocked' && fault !== null) return { is: 'hopeless', fault };
  // The lanes of one that restarts are on their way out, others will come.
  if ((word === 'offline' || word === 'draining') && running !== 'restarting') return stopped(name);
  const best = lanes[bestLane(relay) ?? -1];
  const ends = forwards[forward];
  const held: Prospect = { is: 'held', launching: false };
  if (best === undefined || ends === undefined) return held;
  const prospect = prospectUp(best, ends, forward);
  // What one lane could not bring, one that is on its way may.
  return prospect.is === 'hopeless' && lanes.some(isDialing) ? held : prospect;
}

function prospectUp(lane: LaneSnapshot, ends: ForwardSnapshot, forward: number): Prospect {
  // Nobody is led over a link that does not answer.
  if (lane.state.at === 'up' && isSilent(lane.state.beside)) {
    const brings = lane.state.beside?.at === 'dialing' && launchStages.includes(lane.stage);
    return { is: 'held', launching: brings && isLed(lane, ends, forward) };
  }
  const backing = backingOf(lane, ends, forward);
  if (backing === null) return { is: 'open' };
  if (backing.at === 'blocked') return { is: 'hopeless', fault: backing.fault };
  return { is: 'held', launching: backing.at === 'trying' && lane.stage !== 'pause' };
}

function stopped(name: string): Prospect {
  const fault = new Fault('RELAY_STOPPED', `${name} was stopped while a client waited; start it again`);
  return { is: 'hopeless', fault: fault.report() };
}
