import type { BackendFacts } from './backend.ts';
import type { Ends } from './endpoint.ts';
import type { ChangeFact, Event, Judgement, LinkFacts } from './event.ts';
import type { FaultReport } from './fault.ts';
import { declaredRelay, foldRelay } from './fold-relay.ts';
import type { Judged } from './judged.ts';
import { foldRecovery, type Recovery, serves } from './recovery.ts';
import { standing } from './standing.ts';
import type { BringingTry, LaneState, Stage } from './state.ts';

/** The fold of all events: everything that status, page and metrics say about relays. */
export interface Snapshot {
  /** Number of the last event that is folded in. */
  readonly id: number;
  readonly pid: number;
  readonly version: string;
  readonly config: string;
  readonly since: number;
  readonly stopping: boolean;
  /** What the config file holds and nobody has taken over; null: what stands there runs, as far as is known. */
  readonly pending: PendingConfig | null;
  /** The last change of the config file that was taken over, asked for or not, and when, ms since the epoch; null: none was. */
  readonly taken: (ChangeFact & { readonly at: number }) | null;
  readonly relays: Readonly<Record<string, RelaySnapshot>>;
}

/** A config that is not taken over: it cannot be used (`fault`), or open links would end (`cuts`). */
export type PendingConfig =
  | { readonly fault: FaultReport }
  | (ChangeFact & { readonly fault: null; readonly cuts: readonly string[] });

export interface RelaySnapshot {
  readonly name: string;
  readonly host: string;
  /** When the word last changed, ms since the epoch. */
  readonly since: number;
  readonly running: 'stopped' | 'running' | 'stopping' | 'restarting';
  /** True when it was connected, well or not, since its start. */
  readonly before: boolean;
  /** How often it was lost, and how soon it came back. */
  readonly recovery: Recovery;
  readonly lanes: readonly LaneSnapshot[];
  readonly forwards: readonly ForwardSnapshot[];
  /** The last fault met, kept after it is cured. */
  readonly lastFault: (FaultReport & { readonly at: number; readonly forward?: number }) | null;
  readonly warnings: readonly string[];
  /** What plugins found out about the host that the user should know, by plugin. */
  readonly notes: Readonly<Record<string, readonly string[]>>;
}

export interface LaneSnapshot {
  readonly pid: number | null;
  readonly state: LaneState;
  readonly stage: Stage | null;
  /** When that stage began, ms since the epoch; null without one. */
  readonly staged: number | null;
  /** How far it is in its stage, such as the last line that a backend printed. */
  readonly note: string | null;
  /** The try to bring its backend that is under way, and when it began, ms since the epoch; null: none is. */
  readonly bringing: (BringingTry & { readonly since: number }) | null;
  readonly link: LinkFacts | null;
  /** What the host calls itself; null while that is not known. */
  readonly machine: string | null;
  /** What it leads to; null where no plugin has to do with a backend. */
  readonly backend: BackendFacts | null;
  /** Why the worker is gone; null while one runs. */
  readonly fault: FaultReport | null;
  /** When a worker is started again, ms since the epoch; null when within a second, or while one runs. */
  readonly until: number | null;
  /** What this lane says of each forward; it does not outlive the link. */
  readonly judged: readonly Judged[];
}

export interface ForwardSnapshot extends Ends {
  readonly probed: boolean;
  readonly bound: boolean;
  /** The lane over whose link the remote host listens; null for a listener of this machine, or while none does. */
  readonly boundBy: number | null;
  readonly listenFault: FaultReport | null;
  /** What the best lane says of it. */
  readonly judgement: Judgement;
  readonly judgeFault: FaultReport | null;
}

export const emptySnapshot: Snapshot = {
  id: 0,
  pid: 0,
  version: '',
  config: '',
  since: 0,
  stopping: false,
  pending: null,
  taken: null,
  relays: {},
};

/** Adds one event to the snapshot. Pure. */
export function fold(snapshot: Snapshot, event: Event): Snapshot {
  const next = { ...snapshot, id: event.id };
  switch (event.type) {
    case 'daemon.started':
      return { ...next, pid: event.pid, version: event.version, config: event.config, since: event.at };
    case 'daemon.warned':
    case 'machine.woke':
    case 'network.changed':
      return next;
    case 'daemon.stopping':
      return { ...next, stopping: true };
    case 'config.reloaded': {
      const { added, removed, changed, ended, at } = event;
      const isSame = added.length + removed.length + changed.length === 0;
      return { ...next, pending: null, taken: isSame ? snapshot.taken : { added, removed, changed, ended, at } };
    }
    case 'config.refused':
      return { ...next, pending: { fault: event.fault } };
    case 'config.differs': {
      const { added, removed, changed, ended, cuts } = event;
      return { ...next, pending: { fault: null, added, removed, changed, ended, cuts } };
    }
    case 'relay.removed': {
      const { [event.relay]: _gone, ...relays } = snapshot.relays;
      return { ...next, relays };
    }
    case 'relay.declared': {
      const relay = declaredRelay(event, snapshot.relays[event.relay] ?? null);
      return { ...next, relays: { ...next.relays, [event.relay]: relay } };
    }
    default: {
      const relay = snapshot.relays[event.relay];
      if (relay === undefined) return next;
      const folded = foldRelay(relay, event);
      const [{ word: was }, { word }] = [standing(relay), standing(folded)];
      const since = word === was ? relay.since : event.at;
      const before = folded.before || serves(word);
      const recovery = foldRecovery(folded.recovery, was, word, folded.running === 'running', event.at);
      return { ...next, relays: { ...next.relays, [event.relay]: { ...folded, since, before, recovery } } };
    }
  }
}
