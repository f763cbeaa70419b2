import type { Endpoint } from './endpoint.ts';
import type { Event, Judgement, LinkFacts } from './event.ts';
import type { FaultReport } from './fault.ts';
import { type Judged, judgedBy } from './judged.ts';
import { bestLane, standing } from './standing.ts';
import type { LaneState, Stage } from './state.ts';

/** The fold of all events: everything that status, page and metrics say about relays. */
export interface Snapshot {
  /** Number of the last event that is folded in. */
  readonly id: number;
  readonly pid: number;
  readonly version: string;
  readonly config: string;
  readonly since: number;
  readonly stopping: boolean;
  readonly relays: Readonly<Record<string, RelaySnapshot>>;
}

export interface RelaySnapshot {
  readonly name: string;
  readonly host: string;
  /** When the word last changed, ms since the epoch. */
  readonly since: number;
  readonly running: 'stopped' | 'running' | 'stopping' | 'restarting';
  /** True when it was connected, well or not, since its start. */
  readonly before: boolean;
  readonly lanes: readonly LaneSnapshot[];
  readonly forwards: readonly ForwardSnapshot[];
  /** The last fault met, kept after it is cured. */
  readonly lastFault: (FaultReport & { readonly at: number }) | null;
  readonly warnings: readonly string[];
}

export interface LaneSnapshot {
  readonly pid: number | null;
  readonly state: LaneState;
  readonly stage: Stage | null;
  readonly link: LinkFacts | null;
  /** Why the worker is gone; null while one runs. */
  readonly fault: FaultReport | null;
  /** When a worker is started again, ms since the epoch; null when within a second, or while one runs. */
  readonly until: number | null;
  /** What this lane says of each forward; it does not outlive the link. */
  readonly judged: readonly Judged[];
}

export interface ForwardSnapshot {
  readonly listen: Endpoint;
  readonly target: Endpoint;
  readonly probed: boolean;
  readonly bound: boolean;
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
  relays: {},
};

/** Adds one event to the snapshot. Pure. */
export function fold(snapshot: Snapshot, event: Event): Snapshot {
  const next = { ...snapshot, id: event.id };
  switch (event.type) {
    case 'daemon.started':
      return { ...next, pid: event.pid, version: event.version, config: event.config, since: event.at };
    case 'daemon.stopping':
      return { ...next, stopping: true };
    case 'relay.declared':
      return { ...next, relays: { ...next.relays, [event.relay]: newRelay(event) } };
    default: {
      const relay = snapshot.relays[event.relay];
      if (relay === undefined) return next;
      const folded = judgeForwards(foldRelay(relay, event));
      const { word } = standing(folded);
      const since = word === standing(relay).word ? relay.since : event.at;
      const before = folded.before || word === 'connected' || word === 'degraded';
      return { ...next, relays: { ...next.relays, [event.relay]: { ...folded, since, before } } };
    }
  }
}

function newRelay(event: Extract<Event, { type: 'relay.declared' }>): RelaySnapshot {
  return {
    name: event.relay,
    host: event.host,
    since: event.at,
    running: 'stopped',
    before: false,
    lanes: Array.from({ length: event.lanes }, () => emptyLane),
    forwards: event.forwards.map((forward) => ({
      ...forward,
      bound: false,
      listenFault: null,
      judgement: 'pending',
      judgeFault: null,
    })),
    lastFault: null,
    warnings: [],
  };
}

const emptyLane: LaneSnapshot = {
  pid: null,
  state: { at: 'idle' },
  stage: null,
  link: null,
  fault: null,
  until: null,
  judged: [],
};

type RelayEvent = Exclude<Event, { type: 'daemon.started' | 'daemon.stopping' | 'relay.declared' }>;

function foldRelay(relay: RelaySnapshot, event: RelayEvent): RelaySnapshot {
  switch (event.type) {
    case 'relay.started':
      return { ...relay, running: 'running', warnings: [] };
    case 'relay.stopping':
      return { ...relay, running: 'stopping' };
    case 'relay.restarting':
      return { ...relay, running: 'restarting' };
    case 'worker.said':
    case 'relay.noted':
      return relay;
    case 'relay.stopped':
      return {
        ...relay,
        running: 'stopped',
        before: false,
        lanes: relay.lanes.map(() => emptyLane),
        forwards: relay.forwards.map((forward) => ({ ...forward, bound: false, listenFault: null })),
      };
    case 'listener.bound':
      return forwardAt(relay, event.forward, { bound: true, listenFault: null, listen: event.listen });
    case 'listener.failed':
      return failed(forwardAt(relay, event.forward, { bound: false, listenFault: event.fault }), event);
    case 'worker.started':
      return laneAt(relay, event.lane, { ...emptyLane, pid: event.pid });
    case 'worker.ended':
      return failed(laneAt(relay, event.lane, { ...emptyLane, fault: event.fault, until: event.until }), event);
    case 'lane.changed':
      return laneChanged(relay, event);
    case 'lane.advanced':
      return laneAt(relay, event.lane, { stage: event.stage });
    case 'question.asked':
      return laneAt(relay, event.lane, { stage: 'waiting for an answer' });
    case 'question.answered':
    case 'question.unanswered':
      // A passphrase is asked for before anything is dialed; the next stage says so.
      return laneAt(relay, event.lane, { stage: event.kind === 'passphrase' ? null : 'authentication' });
    case 'link.opened':
      return laneAt(relay, event.lane, { link: event.link });
    case 'forward.judged': {
      const judged = laneJudged(relay, event);
      return event.fault === null ? judged : failed(judged, { fault: event.fault, at: event.at });
    }
    case 'connection.refused':
    case 'plugin.failed':
      return failed(relay, event);
    case 'relay.warned':
      return relay.warnings.includes(event.text)
        ? relay
        : { ...relay, warnings: [...relay.warnings, event.text].slice(-8) };
  }
}

function laneChanged(relay: RelaySnapshot, event: Extract<Event, { type: 'lane.changed' }>): RelaySnapshot {
  const { state } = event;
  const up = state.at === 'up' || state.at === 'draining';
  const next = laneAt(relay, event.lane, { state, stage: null, ...(up ? {} : { link: null, judged: [] }) });
  return state.at === 'waiting' || state.at === 'blocked' ? failed(next, { fault: state.fault, at: event.at }) : next;
}

function laneJudged(relay: RelaySnapshot, event: Extract<Event, { type: 'forward.judged' }>): RelaySnapshot {
  const { judgement, fault } = event;
  const before = relay.lanes[event.lane]?.judged ?? [];
  const judged = relay.forwards.map((_, index) =>
    index === event.forward ? { judgement, fault } : judgedBy(before, index),
  );
  return laneAt(relay, event.lane, { judged });
}

/** Clients go to the best lane, so that is what its forwards are. */
function judgeForwards(relay: RelaySnapshot): RelaySnapshot {
  const best = bestLane(relay);
  const judged = best === null ? [] : (relay.lanes[best]?.judged ?? []);
  const forwards = relay.forwards.map((forward, index) => {
    const { judgement, fault } = judgedBy(judged, index);
    return { ...forward, judgement, judgeFault: fault };
  });
  return { ...relay, forwards };
}

function laneAt(relay: RelaySnapshot, index: number, change: Partial<LaneSnapshot>): RelaySnapshot {
  return { ...relay, lanes: relay.lanes.map((lane, at) => (at === index ? { ...lane, ...change } : lane)) };
}

function forwardAt(relay: RelaySnapshot, index: number, change: Partial<ForwardSnapshot>): RelaySnapshot {
  return { ...relay, forwards: relay.forwards.map((one, at) => (at === index ? { ...one, ...change } : one)) };
}

function failed(relay: RelaySnapshot, from: { readonly fault: FaultReport; readonly at: number }): RelaySnapshot {
  return { ...relay, lastFault: { ...from.fault, at: from.at } };
}
