import type { Socket } from 'node:net';
import type { ClientConnection } from '../../model/plugin.ts';
import type { LaneId } from '../../protocol.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';
import type { Patience } from './patience.ts';

/** One accepted client. The socket is the supervisor's own copy, never read, kept for the connection's life. */
export interface Connection {
  /** Under which the worker that has it speaks of it: another one once a lane is gone that had it. */
  id: number;
  readonly socket: Socket;
  client: ClientConnection;
  /** The forward that it came to is not in the config any more: the number in `client` names it no longer. */
  forwardGone: boolean;
  /** When it was accepted, ms of a clock that never jumps. */
  readonly since: number;
  /** `held`: waits for a lane. `handed`: a worker has it, unread. `open`: its channel is open. */
  at: 'held' | 'handed' | 'open';
  lane: LaneId | null;
  /** Whose worker has it; null while it is held. */
  keeper: WorkerKeeper | null;
  /** How often it was handed over. */
  handovers: number;
  /** How long it may still be held, at rest while it is not, unless that is in vain again and again; null where it never was. */
  patience: Patience | null;
  timer: NodeJS.Timeout | undefined;
}

/** What workers and plugins are told of a client: which forward it came to, and from where. */
export function describeClient(relay: string, forward: number, socket: Socket): ClientConnection {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const from =
    remoteAddress === undefined || remotePort === undefined ? null : { address: remoteAddress, port: remotePort };
  const to = localAddress === undefined || localPort === undefined ? null : { address: localAddress, port: localPort };
  return { relay, forward, from, to };
}
