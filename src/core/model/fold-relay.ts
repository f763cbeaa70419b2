import { formatEndpoint, formatTarget } from './endpoint.ts';
import type { Event } from './event.ts';
import type { FaultReport } from './fault.ts';
import { leftOut } from './hooks.ts';
import { judgedBy, pending } from './judged.ts';
import { advanced, emptyLane, goesOn, noStage, stageOf } from './lane-progress.ts';
import type { ForwardSnapshot, LaneSnapshot, RelaySnapshot } from './snapshot.ts';
import { neverLost } from './recovery.ts';
import { restOf } from './rest.ts';
import { bestLane } from './standing.ts';

/** A relay of which nothing is known yet but what the config says. */
export function declaredRelay(
  event: Extract<Event, { type: 'relay.declared' }>,
  before: RelaySnapshot | null,
): RelaySnapshot {
  // It was taken out of the config and put back while it ends: those who are still served are shown until they are not.
  const ending = before?.running === 'stopping' ? before : null;
  return {
    name: event.relay,
    host: event.host,
    since: event.at,
    running: ending === null ? 'stopped' : 'stopping',
    before: false,
    recovery: neverLost,
    lanes: Array.from({ length: event.lanes }, (_, index) => ending?.lanes[index] ?? emptyLane),
    forwards: event.forwards.map((forward) => ({
      ...forward,
      bound: false,
      boundBy: null,
      listenFault: null,
      judgement: 'pending',
      judgeFault: null,
    })),
    lastFault: null,
    warnings: [],
    notes: {},
  };
}

const unbound = { bound: false, boundBy: null, listenFault: null };

/** What happens to a relay that is known. */
type RelayEvent = Exclude<Extract<Event, { relay: string }>, { type: 'relay.declared' | 'relay.removed' }>;

/** Adds one event to the snapshot of its relay, all but the word's own history. Pure. */
export function foldRelay(relay: RelaySnapshot, event: RelayEvent): RelaySnapshot {
  return judgeForwards(foldFact(relay, event));
}

function foldFact(relay: RelaySnapshot, event: RelayEvent): RelaySnapshot {
  switch (event.type) {
    case 'relay.changed':
      return changedRelay(relay, event);
    case 'relay.started':
      return { ...relay, running: 'running', warnings: [], notes: {} };
    case 'relay.stopping':
      return { ...relay, running: 'stopping' };
    case 'relay.restarting':
      return { ...relay, running: 'restarting' };
    case 'worker.said':
    case 'relay.noted':
    case 'link.answered':
    case 'link.replaced':
      return relay;
    case 'relay.stopped':
      return {
        ...relay,
        running: 'stopped',
        before: false,
        lanes: relay.lanes.map(() => emptyLane),
        forwards: relay.forwards.map((forward) => ({ ...forward, ...unbound })),
      };
    case 'listener.bound':
      return forwardAt(relay, event.forward, { bound: true, listenFault: null, listen: event.listen });
    case 'listener.failed':
      return failed(forwardAt(relay, event.forward, { bound: false, listenFault: event.fault }), event);
    case 'remote.bound': {
      const bound = { bound: true, boundBy: event.lane, listenFault: null, listen: event.listen };
      return remoteAt(relay, event.forward, bound);
    }
    case 'remote.failed':
      return failed(
        remoteAt(relay, event.forward, { bound: false, boundBy: event.lane, listenFault: event.fault }),
        event,
      );
    case 'worker.started':
      return laneAt(relay, event.lane, { ...emptyLane, pid: event.pid });
    case 'worker.ended':
      return failed(
        laneAt(unlisten(relay, event.lane), event.lane, { ...emptyLane, fault: event.fault, until: event.until }),
        event,
      );
    case 'lane.changed':
      return laneChanged(relay, event);
    case 'lane.advanced': {
      const lane = laneAt(relay, event.lane, advanced(relay.lanes[event.lane], event));
      const fault = event.stage === 'pause' ? (event.bringing?.fault ?? null) : null;
      return fault === null ? lane : failed(lane, { fault, at: event.at });
    }
    case 'host.named':
      return laneAt(relay, event.lane, { machine: event.machine });
    case 'backend.ready':
      return laneAt(relay, event.lane, { backend: event.backend });
    case 'question.asked':
      return laneAt(relay, event.lane, stageOf(relay.lanes[event.lane], 'waiting for an answer', event.at));
    case 'question.answered':
    case 'question.unanswered':
      // A passphrase is asked for before anything is dialed; the next stage says so.
      return laneAt(relay, event.lane, {
        stage: event.kind === 'passphrase' ? null : 'authentication',
        staged: event.kind === 'passphrase' ? null : event.at,
      });
    case 'link.opened':
      return laneAt(relay, event.lane, { link: event.link });
    case 'forward.judged': {
      const judged = laneJudged(relay, event);
      const forward = relay.forwards[event.forward];
      if (event.fault === null || (forward !== undefined && isForeignLoop(event.fault, forward))) return judged;
      return failed(judged, { fault: event.fault, at: event.at, forward: event.forward });
    }
    case 'link.doubted':
      return failed(relay, event);
    case 'connection.refused': {
      const { fault, at, forward } = event;
      // Who waited at a forward that is taken out is told of as it goes: that is not to go with it.
      return failed(relay, forward === null || fault.code === 'RELAY_STOPPED' ? { fault, at } : { fault, at, forward });
    }
    case 'plugin.failed':
      return leftOut in event.fault.detail ? warned(failed(relay, event), event.fault.message) : failed(relay, event);
    case 'host.inspected':
      return { ...relay, notes: { ...relay.notes, [event.plugin]: event.notes } };
    case 'relay.warned': {
      const { fault, text, at } = event;
      return warned(fault === undefined ? relay : failed(relay, { fault, at }), text);
    }
  }
}

function warned(relay: RelaySnapshot, text: string): RelaySnapshot {
  return relay.warnings.includes(text) ? relay : { ...relay, warnings: [...relay.warnings, text].slice(-8) };
}

/** Its links are as good as gone, and nothing that they say is about these forwards; a listener that goes on is as it was. */
function changedRelay(relay: RelaySnapshot, event: Extract<Event, { type: 'relay.changed' }>): RelaySnapshot {
  return {
    ...relay,
    host: event.host,
    lastFault: keptFault(relay, event.forwards),
    lanes: Array.from({ length: event.lanes }, () => emptyLane),
    forwards: event.forwards.map(({ was, ...forward }) => {
      const fresh = { ...forward, ...unbound, judgement: 'pending' as const, judgeFault: null };
      const old = was === null ? undefined : relay.forwards[was];
      if (old === undefined) return fresh;
      const { bound, listenFault, listen } = old;
      return { ...fresh, bound, listenFault, ...(bound ? { listen } : {}) };
    }),
  };
}

function laneChanged(relay: RelaySnapshot, event: Extract<Event, { type: 'lane.changed' }>): RelaySnapshot {
  const { state } = event;
  const up = state.at === 'up' || state.at === 'draining';
  const next = laneAt(state.at === 'up' ? relay : unlisten(relay, event.lane), event.lane, {
    state,
    ...(goesOn(relay.lanes[event.lane], state) ? {} : noStage),
    ...(up ? {} : { link: null, machine: null, backend: null, judged: [] }),
  });
  const fault = restOf(state)?.fault ?? (state.at === 'dialing' ? state.lost : undefined);
  return fault === undefined ? next : failed(next, { fault, at: event.at });
}

/** What the remote host listened on over a lane's link is gone with it. */
function unlisten(relay: RelaySnapshot, lane: number): RelaySnapshot {
  if (!relay.forwards.some(({ boundBy }) => boundBy === lane)) return relay;
  const forwards = relay.forwards.map((one) => (one.boundBy === lane ? { ...one, ...unbound } : one));
  return { ...relay, forwards };
}

function laneJudged(relay: RelaySnapshot, event: Extract<Event, { type: 'forward.judged' }>): RelaySnapshot {
  const { judgement, fault } = event;
  const before = relay.lanes[event.lane]?.judged ?? [];
  const judged = relay.forwards.map((_, index) =>
    index === event.forward ? { judgement, fault } : (before[index] ?? pending),
  );
  return laneAt(relay, event.lane, { judged });
}

function isForeignLoop(fault: FaultReport | null, { bound }: Pick<ForwardSnapshot, 'bound'>): boolean {
  return fault?.code === 'TARGET_LOOP' && !bound;
}

/** Clients go to the best lane, so that is what its forwards are. */
function judgeForwards(relay: RelaySnapshot): RelaySnapshot {
  const lane = relay.lanes[bestLane(relay) ?? -1] ?? null;
  const forwards = relay.forwards.map((forward, index) => {
    const told = lane === null ? pending : judgedBy(lane, forward, index);
    // A lane does not know whose the listener is: where another program has it, nothing leads in a circle.
    const { judgement, fault } = isForeignLoop(told.fault, forward) ? pending : told;
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

/** What a lane says of a listener there is never about one of this machine. */
function remoteAt(relay: RelaySnapshot, index: number, change: Partial<ForwardSnapshot>): RelaySnapshot {
  return relay.forwards[index]?.kind === 'remote' ? forwardAt(relay, index, change) : relay;
}

/** `forward`: whose it is, where it is not the whole relay's. */
function failed(
  relay: RelaySnapshot,
  { fault, at, forward }: { readonly fault: FaultReport; readonly at: number; readonly forward?: number },
): RelaySnapshot {
  return { ...relay, lastFault: { ...fault, at, ...(forward === undefined ? {} : { forward }) } };
}

/** The fault of a forward that is gone, or leads elsewhere now, goes with it. */
function keptFault(
  { lastFault, forwards }: RelaySnapshot,
  after: Extract<Event, { type: 'relay.changed' }>['forwards'],
): RelaySnapshot['lastFault'] {
  const old = lastFault?.forward === undefined ? undefined : forwards[lastFault.forward];
  if (lastFault === null || old === undefined) return lastFault;
  const forward = after.findIndex(
    // A `:0` listener has its port by now: `was` knows it, and knows no `remote` forward.
    (one) =>
      one.kind === old.kind &&
      targetOf(one) === targetOf(old) &&
      (one.was === lastFault.forward ||
        (one.was === null && formatEndpoint(one.listen) === formatEndpoint(old.listen))),
  );
  return forward === -1 ? null : { ...lastFault, forward };
}

function targetOf({ target }: Pick<ForwardSnapshot, 'target'>): string {
  return target === null ? '' : formatTarget(target);
}
