import type { Socket } from 'node:net';
import type { ClientConnection } from '../../model/plugin.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { WindowBudget } from '../../ssh/link/receive-window.ts';
import type { Fault } from '../../model/fault.ts';
import type { Cut, Traffic, Wrap } from '../clients/splice.ts';

/** How a connection ended that did not end in the ordinary way: its client is yet to be cut off, or was told why in its own protocol. */
export type Ending = Cut | { readonly told: Fault };

/** The link that one client goes over, until it has its channel. */
export interface Way {
  /** The last one, while the client waits for the next. */
  readonly link: Link;
  /** The one that the client goes over; null while it waits for one. */
  readonly over: Link | null;
  /** Aborted where that link does not answer: a client that is not `opened` goes back then, another one asks for the `next`. */
  readonly yielded: AbortSignal;
  /** Waits until a link of the lane answers, which is `link` then. Rejects with HOLD_EXPIRED when none does in time, or with why nobody is served. */
  next(): Promise<void>;
  /** The client has its channel: it ends with that link. Until then it does not. */
  join(): void;
  /** The link, or the target behind it, answered with a refusal: it served, if nobody wants what it said. */
  refused(): void;
}

/** What each kind of forward does with an accepted client. Throws a Fault when the target cannot be had. */
export interface ForwardKind {
  /**
   * `opened` is awaited before the first byte of the client is read, `wrap` afterwards; where it throws, nothing is forwarded. Resolves with
   * null after an ordinary end.
   */
  serve(
    socket: Socket,
    client: ClientConnection,
    way: Way,
    traffic: Traffic,
    windows: WindowBudget,
    opened: () => Promise<void>,
    wrap: Wrap | null,
  ): Promise<Ending | null>;
}
