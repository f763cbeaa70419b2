import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientConnection } from '../../model/plugin.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { WindowBudget } from '../../ssh/link/receive-window.ts';
import type { Fault } from '../../model/fault.ts';
import type { Traffic } from '../splice.ts';

/** What plugins make of a client's stream; rejects with the fault of the plugin. */
export type Wrap = (socket: Socket) => Promise<Duplex>;

/** How a connection ended that did not end in the ordinary way: its client is yet to be cut off, or was told why in its own protocol. */
export type Ending = { readonly cut: Fault } | { readonly told: Fault };

/** What each kind of forward does with an accepted client. Throws a Fault when the target cannot be had. */
export interface ForwardKind {
  /**
   * `opened` is awaited before the first byte of the client is read, `wrap` afterwards; where it throws, nothing is forwarded. `yielded` is
   * aborted where a client that is not `opened` yet is to go back. Resolves with null after an ordinary end.
   */
  serve(
    socket: Socket,
    client: ClientConnection,
    link: Link,
    traffic: Traffic,
    windows: WindowBudget,
    opened: () => Promise<void>,
    wrap: Wrap | null,
    yielded: AbortSignal,
  ): Promise<Ending | null>;
}
