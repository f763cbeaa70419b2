import type { Fact } from '../../model/event.ts';
import type { LaneId, ToSupervisor } from '../../protocol.ts';

/** What has happened, by what lane number `lane` of `relay` says; null where it only asks, or is told to the relay alone. */
export function factOf(message: Extract<ToSupervisor, { lane: LaneId }>, relay: string, lane: number): Fact | null {
  const at = { relay, lane };
  switch (message.say) {
    case 'state':
      return { type: 'lane.changed', ...at, state: message.state };
    case 'stage': {
      const { stage, note, bringing } = message;
      return { type: 'lane.advanced', ...at, stage, note, ...(bringing === undefined ? {} : { bringing }) };
    }
    case 'link':
      return { type: 'link.opened', ...at, link: message.link };
    case 'doubt': {
      const { news, fault } = message;
      return news === 'doubted' ? { type: 'link.doubted', ...at, fault } : { type: `link.${news}`, ...at };
    }
    case 'machine':
      return { type: 'host.named', ...at, machine: message.machine };
    case 'inspected':
      return { type: 'host.inspected', relay, plugin: message.plugin, notes: message.notes };
    case 'backed':
      return { type: 'backend.ready', ...at, backend: message.backend };
    case 'judged': {
      const { forward, judgement, fault, rtt } = message;
      return { type: 'forward.judged', ...at, forward, judgement, fault, rtt };
    }
    case 'bound':
      return { type: 'remote.bound', ...at, forward: message.forward, listen: message.listen };
    case 'unbound':
      return { type: 'remote.failed', ...at, forward: message.forward, fault: message.fault };
    case 'warned':
      return { type: 'relay.warned', relay, text: message.text };
    case 'noted':
      return { type: 'relay.noted', relay, text: message.text };
    case 'plugin-failed':
      return { type: 'plugin.failed', relay, plugin: message.plugin, fault: message.fault };
    case 'refused':
    case 'seated':
    case 'acquire':
    case 'release':
      return null;
  }
}

/** Whether it names a forward by its number, or what the relay leads to. */
export function isOfConfig(message: Extract<ToSupervisor, { lane: LaneId }>): boolean {
  return 'forward' in message || message.say === 'backed';
}
