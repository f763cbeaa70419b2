import { formatEndpoint } from '../core/model/endpoint.ts';
import type { Event } from '../core/model/event.ts';
import type { FaultCode } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import { formatChange } from './change-text.ts';
import { formatFault, tellState } from './describe-lane.ts';
import { debug, type Description, error, info, warn } from './description.ts';
import { formatDuration } from './quantity.ts';

/** Names a forward of a relay as the user knows it; the index is all that an event has. */
export type ForwardName = (relay: string, forward: number) => string;

/** Why somebody is cut who was joined already. */
const cutShort: ReadonlySet<FaultCode> = new Set(['CONNECTION_CUT', 'LINK_LOST', 'LINK_SILENT']);

const numbered: ForwardName = (_relay, forward) => `forward ${forward + 1}`;

/** Says an event as one pleasant line; text that others wrote is escaped. Pure. */
export function describe(event: Event, name: ForwardName = numbered): Description {
  const { level, text } = tell(event, name);
  return { level, text: printable(text) };
}

function tell(event: Event, name: ForwardName): Description {
  switch (event.type) {
    case 'daemon.started':
      return info(`towline ${event.version} started (pid ${event.pid}), config ${event.config}`);
    case 'daemon.warned':
      return warn(event.text);
    case 'config.reloaded':
      return info(`the config was read again: ${formatChange(event)}`);
    case 'config.refused':
      return error(`${formatFault(event.fault)}; keeping the running configuration`);
    case 'config.differs': {
      const lost = `${event.cuts.join(', ')} would lose ${event.cuts.length === 1 ? 'its link' : 'their links'} by it`;
      return warn(`the config file has changed (${formatChange(event)}), and ${lost}; \`towline reload\` applies it`);
    }
    case 'machine.woke':
      return info(`towline did not run for ${formatDuration(event.asleep)} (sleep, or stopped); asking every host`);
    case 'network.changed':
      return info(`this machine's addresses changed (${changes(event)}); asking every host`);
    case 'daemon.stopping':
      return info(`towline is stopping: ${event.why}`);
    case 'relay.declared':
      return debug(`${event.relay}: host ${event.host}, lanes ${event.lanes}, forwards ${event.forwards.length}`);
    case 'relay.changed':
      return debug(`${event.relay}: now host ${event.host}, lanes ${event.lanes}, forwards ${event.forwards.length}`);
    case 'relay.removed':
      return info(`${event.relay}: removed`);
    case 'relay.started':
      return info(`${event.relay}: started`);
    case 'relay.stopping':
      return info(`${event.relay}: stopping: ${event.why}`);
    case 'relay.restarting':
      return info(`${event.relay}: restarting: ${event.why}`);
    case 'worker.said': {
      const more = event.count === 0 ? '' : ` (${event.count} lines left out)`;
      return info(`${event.relay}: says: ${event.text}${more}`);
    }
    case 'relay.stopped':
      return info(`${event.relay}: stopped${event.cut === undefined ? '' : `; ${cutText(event.cut)}`}`);
    case 'listener.bound':
      return info(`${event.relay}: listening on ${formatEndpoint(event.listen)}`);
    case 'listener.failed':
      return warn(`${event.relay}: ${formatFault(event.fault)}`);
    case 'remote.bound':
      return info(`${event.relay}: the host listens on ${formatEndpoint(event.listen)} for this machine`);
    case 'remote.failed':
      return warn(`${event.relay}: ${formatFault(event.fault)}`);
    case 'worker.started':
      return debug(`${lane(event)}: worker ${event.pid} started`);
    case 'worker.ended': {
      const text = `${lane(event)}: ${formatFault(event.fault)}`;
      return event.fault.code === 'WORKER_CRASHING' ? error(text) : warn(text);
    }
    case 'lane.changed':
      return tellState(event.state, lane(event), event.at);
    case 'lane.advanced':
      return debug(`${lane(event)}: ${event.stage}${event.note === null ? '' : `: ${event.note}`}`);
    case 'host.named':
      return debug(`${lane(event)}: the host calls itself ${event.machine}`);
    case 'backend.ready':
      return event.backend === null
        ? debug(`${lane(event)}: no plugin brings a backend`)
        : info(`${lane(event)}: backend ${event.backend.adopted ? 'found' : 'launched'}, ${event.backend.says}`);
    case 'link.opened': {
      const { remote, route, hostKey, took } = event.link;
      const via = route.length === 0 ? '' : ` via ${route.join(', ')}`;
      return info(`${lane(event)}: connected to ${remote}${via} (${hostKey}, ${formatDuration(took)})`);
    }
    case 'link.doubted':
      return warn(`${lane(event)}: ${formatFault(event.fault)}`);
    case 'link.answered':
      return info(`${lane(event)}: the host answers again, the link goes on`);
    case 'link.replaced':
      return info(`${lane(event)}: the second link serves now; who is joined over the first one stays with it`);
    case 'forward.judged':
      return tellJudgement(event, name(event.relay, event.forward));
    case 'connection.refused': {
      const who = event.count === 1 ? 'a client' : `${event.count} clients`;
      const verb = cutShort.has(event.fault.code) ? 'lost' : 'refused';
      const at = event.forward === null ? 'a forward that is gone' : name(event.relay, event.forward);
      return warn(`${event.relay}: ${verb} ${who} at ${at}: ${formatFault(event.fault)}`);
    }
    case 'plugin.failed':
      return error(`${event.relay}: plugin ${event.plugin}: ${formatFault(event.fault)}`);
    case 'host.inspected':
      return event.notes.length === 0
        ? debug(`${event.relay}: plugin ${event.plugin} has nothing to say`)
        : warn(`${event.relay}: ${event.notes.join('; ')}`);
    case 'relay.noted':
      return info(`${event.relay}: ${event.text}`);
    case 'relay.warned':
      return warn(`${event.relay}: ${event.text}`);
    case 'question.asked': {
      const wrong = event.again ? ' again, the last one was wrong' : '';
      return info(`${lane(event)}: ${event.where} waits for ${event.wish}${wrong}`);
    }
    case 'question.answered': {
      const text = `${lane(event)}: ${event.where} has ${event.wish}`;
      return event.by === 'memory' ? debug(`${text}, kept from before`) : info(text);
    }
    case 'question.unanswered':
      return debug(`${lane(event)}: ${event.where} does not get ${event.wish}: ${event.why}`);
  }
}

function tellJudgement(event: Extract<Event, { type: 'forward.judged' }>, forward: string): Description {
  const rtt = event.rtt === null ? '' : ` (${formatDuration(event.rtt)})`;
  switch (event.judgement) {
    case 'pending':
      return debug(`${lane(event)}: ${forward} is being checked`);
    case 'unverified':
      return info(`${lane(event)}: ${forward} reaches its target, unverified${rtt}`);
    case 'well':
      // What no probe or dial has measured has none: a `dynamic` or `remote` forward.
      return event.rtt === null
        ? debug(`${lane(event)}: ${forward} may take clients, not probed`)
        : info(`${lane(event)}: ${forward} is healthy${rtt}`);
    case 'unwell':
      return warn(`${lane(event)}: ${forward}: ${event.fault === null ? 'not well' : formatFault(event.fault)}`);
  }
}

/** What the end of a relay or daemon has cost its clients. Pure. */
export function cutText(count: number): string {
  return count === 1 ? 'one open connection was cut' : `${count} open connections were cut`;
}

function changes({
  added,
  removed,
}: {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}): string {
  return [...removed.map((address) => `-${address}`), ...added.map((address) => `+${address}`)].join(' ');
}

/** The first lane is the relay itself; only a second one needs its number. */
function lane({ relay, lane: index }: { readonly relay: string; readonly lane: number }): string {
  return index === 0 ? relay : `${relay} (lane ${index + 1})`;
}
