import type { FaultCode } from './fault-table.ts';
import type { PendingConfig, RelaySnapshot, Snapshot } from './snapshot.ts';
import type { Standing } from './standing.ts';

/** How many clients were refused for each reason. */
export type RefusedBy = Readonly<Partial<Record<FaultCode, number>>>;

/** Live counts of one relay; they are no events. Bytes are counted from the client's side. */
export interface Counters {
  readonly open: number;
  readonly held: number;
  readonly accepted: number;
  /** Clients that were never served, or told no in their own protocol. */
  readonly refused: number;
  /** The same by the code of the reason; reasons that never came up are left out. */
  readonly refusedBy: RefusedBy;
  readonly sent: number;
  readonly received: number;
  /** Round trip of the last probe or dial of each forward's target, ms; null while there was none. */
  readonly rtt: readonly (number | null)[];
}

/** One relay as `GET /v1/status` and `towline status --json` show it. */
export interface RelayStatus extends RelaySnapshot {
  readonly standing: Standing;
  readonly counters: Counters;
}

/** The whole answer of `GET /v1/status`. */
export interface DaemonStatus {
  readonly id: number;
  readonly pid: number;
  readonly version: string;
  readonly config: string;
  readonly since: number;
  readonly stopping: boolean;
  /** What the config file holds and nobody has taken over; null: what stands there runs, as far as is known. */
  readonly pending: PendingConfig | null;
  /** The last change of the config file that was taken over, asked for or not, and when, ms since the epoch; null: none was. */
  readonly taken: Snapshot['taken'];
  readonly relays: readonly RelayStatus[];
}
