import type { FaultReport } from '../../model/fault.ts';
import type { LaneId } from '../../protocol.ts';
import type { Departures } from './departures.ts';
import type { Prospect } from './prospect.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** A lane that is up, and the worker that carries it. */
export interface OpenLane {
  readonly id: LaneId;
  readonly keeper: WorkerKeeper;
}

/** What the clients of a relay ask of it, and tell it. */
export interface ClientsPorts {
  /** The lane that new connections go to; null while none is up. */
  readonly lane: () => OpenLane | null;
  /** What a client of a forward can hope for. */
  readonly prospect: (forward: number) => Prospect;
  /** Somebody waits: attempts may be hurried. */
  readonly hurry: () => void;
  /** `forward`: null where it is not in the config any more. */
  readonly refused: (forward: number | null, fault: FaultReport) => void;
  /** Who of the held has left. */
  readonly departures: Pick<Departures, 'look' | 'lately'>;
}
