import type { Endpoint } from './endpoint.ts';
import type { Event, Judgement, LinkFacts } from './event.ts';
import type { FaultReport } from './fault.ts';
import type { LaneState, Stage, Word } from './state.ts';

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
  readonly running: 'stopped' | 'running' | 'stopping';
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
}

export interface ForwardSnapshot {
  readonly listen: Endpoint;
  readonly target: Endpoint;
  readonly probed: boolean;
  readonly bound: boolean;
  readonly listenFault: FaultReport | null;
  readonly judgement: Judgement;
  readonly judgeFault: FaultReport | null;
  readonly rtt: number | null;
}

/** A relay's word and the reason beside it. `until`: when the next attempt is made, ms since the epoch. */
export interface Standing {
  readonly word: Word;
  readonly reason: string;
  readonly fault: FaultReport | null;
  readonly until: number | null;
  readonly verified: boolean;
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
      const folded = foldRelay(relay, event);
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
      rtt: null,
    })),
    lastFault: null,
    warnings: [],
  };
}

const emptyLane: LaneSnapshot = { pid: null, state: { at: 'idle' }, stage: null, link: null, fault: null };

type RelayEvent = Exclude<Event, { type: 'daemon.started' | 'daemon.stopping' | 'relay.declared' }>;

function foldRelay(relay: RelaySnapshot, event: RelayEvent): RelaySnapshot {
  switch (event.type) {
    case 'relay.started':
      return { ...relay, running: 'running', warnings: [] };
    case 'relay.stopping':
      return { ...relay, running: 'stopping' };
    case 'relay.stopped':
      return {
        ...relay,
        running: 'stopped',
        before: false,
        lanes: relay.lanes.map(() => emptyLane),
        forwards: relay.forwards.map((forward) => ({
          ...forward,
          bound: false,
          listenFault: null,
          judgement: 'pending',
          judgeFault: null,
        })),
      };
    case 'listener.bound':
      return forwardAt(relay, event.forward, { bound: true, listenFault: null, listen: event.listen });
    case 'listener.failed':
      return failed(forwardAt(relay, event.forward, { bound: false, listenFault: event.fault }), event);
    case 'worker.started':
      return laneAt(relay, event.lane, { ...emptyLane, pid: event.pid });
    case 'worker.ended':
      return failed(laneAt(relay, event.lane, { ...emptyLane, fault: event.fault }), event);
    case 'lane.changed':
      return laneChanged(relay, event);
    case 'lane.advanced':
      return laneAt(relay, event.lane, { stage: event.stage });
    case 'link.opened':
      return laneAt(relay, event.lane, { link: event.link });
    case 'forward.judged': {
      const judged = forwardAt(relay, event.forward, {
        judgement: event.judgement,
        judgeFault: event.fault,
        rtt: event.rtt,
      });
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
  const link = up ? (relay.lanes[event.lane]?.link ?? null) : null;
  let next = laneAt(relay, event.lane, { state, link, stage: null });
  if (!up && !next.lanes.some((lane) => lane.state.at === 'up')) {
    next = {
      ...next,
      forwards: next.forwards.map((forward) => ({ ...forward, judgement: 'pending', judgeFault: null })),
    };
  }
  return state.at === 'waiting' || state.at === 'blocked' ? failed(next, { fault: state.fault, at: event.at }) : next;
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

/** The relay's word: from its best lane and its worst forward. */
export function standing(relay: RelaySnapshot): Standing {
  const say = (
    word: Word,
    reason: string,
    fault: FaultReport | null = null,
    until: number | null = null,
  ): Standing => ({
    word,
    reason,
    fault,
    until,
    verified: false,
  });
  if (relay.running === 'stopped') return say('offline', 'stopped');
  if (relay.running === 'stopping') return say('draining', 'letting open connections end');
  if (relay.lanes.some((lane) => lane.state.at === 'up')) return forwardsStanding(relay, say);
  const away: Word = relay.before ? 'reconnecting' : 'connecting';
  for (const lane of relay.lanes) {
    if (lane.state.at === 'waiting') return say(away, lane.state.fault.message, lane.state.fault, lane.state.until);
    if (lane.state.at === 'dialing')
      return say(away, `${lane.stage ?? 'starting'}, attempt ${lane.state.attempt}`, null);
  }
  for (const lane of relay.lanes) {
    if (lane.state.at === 'blocked')
      return say('blocked', lane.state.fault.message, lane.state.fault, lane.state.until);
    if (lane.fault?.code === 'WORKER_CRASHING') return say('blocked', lane.fault.message, lane.fault);
  }
  const ended = relay.lanes.find((lane) => lane.fault !== null)?.fault ?? null;
  return say(away, ended?.message ?? 'starting a worker', ended);
}

function forwardsStanding(
  relay: RelaySnapshot,
  say: (word: Word, reason: string, fault?: FaultReport | null) => Standing,
): Standing {
  const { forwards } = relay;
  const forbidden = forwards.filter((forward) => forward.judgeFault?.code === 'FORWARDING_REFUSED');
  if (forbidden.length === forwards.length && forbidden[0] !== undefined) {
    return say('blocked', forbidden[0].judgeFault?.message ?? '', forbidden[0].judgeFault);
  }
  for (const forward of forwards) {
    const fault = forward.listenFault ?? (forward.judgement === 'unwell' ? forward.judgeFault : null);
    if (fault !== null) return say('degraded', fault.message, fault);
  }
  const unasked = forwards.find((forward) => !forward.bound || forward.judgement === 'pending');
  if (unasked !== undefined) {
    const next = unasked.probed ? 'waiting for the first health check' : 'trying the target';
    return say(relay.before ? 'reconnecting' : 'connecting', `the link is up, ${next}`);
  }
  const verified = forwards.every((forward) => forward.judgement === 'well');
  const lanes =
    relay.lanes.length === 1
      ? ''
      : `lanes ${relay.lanes.filter((lane) => lane.state.at === 'up').length}/${relay.lanes.length}`;
  const reason = [verified ? '' : 'unverified', lanes].filter((part) => part !== '').join(', ');
  return { ...say('connected', reason), verified };
}
