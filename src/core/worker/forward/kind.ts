import type { Socket } from 'node:net';
import type { ClientConnection } from '../../model/plugin.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { Fault } from '../../model/fault.ts';
import type { Traffic } from '../splice.ts';

/** What each kind of forward does with an accepted client. Throws a Fault when the target cannot be had. */
export interface ForwardKind {
  /** `opened` is awaited before the first byte of the client is read. Resolves with what cut the connection, or null. */
  serve(
    socket: Socket,
    client: ClientConnection,
    link: Link,
    traffic: Traffic,
    opened: () => Promise<void>,
  ): Promise<Fault | null>;
}
