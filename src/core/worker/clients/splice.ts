import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault } from '../../model/fault.ts';
import { abort, unread } from '../../socket/raw-handle.ts';
import type { Channel, Link } from '../../ssh/link/link.ts';
import { type Ends, join } from './join.ts';

/** Bytes that went through, counted from the client's side. */
export interface Traffic {
  sent: number;
  received: number;
}

/** What plugins make of a client's stream; rejects with the fault of the plugin. */
export type Wrap = (stream: Duplex) => Promise<Duplex>;

/** How a connection ended that broke. */
export interface Cut {
  readonly cut: Fault;
  /** Nobody else tells of it: it is not what ended the link. */
  readonly news: boolean;
}

/** A client and its target, one of them on this machine, the other one at the end of a channel. */
export interface Joint {
  /** The end on this machine. */
  readonly socket: Socket;
  readonly channel: Channel;
  readonly link: Link;
  readonly traffic: Traffic;
  /** Null: no plugin wraps. */
  readonly wrap: Wrap | null;
  /** Where the client is: `here` at the socket, which the supervisor resets where it is cut, or `there` at the end of the channel. */
  readonly client: 'here' | 'there';
}

/**
 * Joins a socket and a channel until both directions have ended. Half-close passes through both ways; either side's backpressure pauses the
 * other. Where something breaks the socket ends so that nobody takes what came for the whole. Resolves with why, or with null after an ordinary
 * end.
 */
export function splice(joint: Joint): Promise<Cut | null> {
  const { socket, channel, link, wrap, client } = joint;
  const traffic = client === 'here' ? joint.traffic : turned(joint.traffic);
  const ends = { socket, channel, link, traffic, near: socket, far: channel, passage: null, end: endOf(joint) };
  return wrap === null ? join(ends) : spliceWrapped(ends, wrap, client);
}

/** Plugins get the client's stream: the socket, or the channel by way of the outlet. */
async function spliceWrapped(ends: Ends, wrap: Wrap, client: Joint['client']): Promise<Cut | null> {
  const { socket, channel, link } = ends;
  const passage = client === 'here' ? null : link.outlet.passage(channel);
  try {
    if (passage === null) return await join({ ...ends, near: await wrap(unread(socket)) });
    return await join({ ...ends, far: await wrap(passage), passage });
  } catch (error) {
    ends.end();
    channel.resume();
    channel.close();
    return { cut: Fault.from(error), news: true };
  } finally {
    passage?.destroy();
  }
}

function endOf({ socket, client }: Joint): () => void {
  return client === 'here' ? () => void socket.destroy() : () => abort(socket);
}

/** The same counts, seen from the other end. */
function turned(traffic: Traffic): Traffic {
  return {
    get sent() {
      return traffic.received;
    },
    set sent(bytes) {
      traffic.received = bytes;
    },
    get received() {
      return traffic.sent;
    },
    set received(bytes) {
      traffic.sent = bytes;
    },
  };
}
