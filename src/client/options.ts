import type { Status } from './status.ts';

/** What `send` takes. Bytes are copied when they have to wait. */
export type Outgoing = string | ArrayBuffer | ArrayBufferView;
/** What `onMessage` is given: text, or bytes. */
export type Incoming = string | ArrayBuffer;

/** How the token travels. */
export type Wire =
  /** Subprotocols `protocols`, then `before + token`. It stands in no address, hence in no history, log or Referer. */
  | { readonly in: 'subprotocol'; readonly protocols: readonly string[]; readonly before: string }
  /** `?name=token`, for backends that know nothing else. Whatever logs addresses, logs the token. */
  | { readonly in: 'query'; readonly name: string };

/** How a connection that looks open but is dead is noticed. */
export interface Heartbeat {
  /** ms without a sign of life after which the backend is asked for one. Default 20000. */
  readonly every?: number;
  /** ms that it then has. Default 10000. */
  readonly within?: number;
  /**
   * A message that makes the backend say something. Without it, Node sends a WebSocket ping; a page, which cannot, only listens: its
   * backend must then say something of its own accord at least each `every + within` ms.
   */
  readonly ping?: Outgoing | (() => Outgoing);
}

/** What `refetch` is given. */
export interface Refetch {
  /** True on the first connection of this client, false after each break. */
  readonly first: boolean;
  /** Sends at once, before all that waits. Throws LINK_LOST when the connection is gone. */
  readonly send: (message: Outgoing) => void;
  /** Aborted when the connection is gone: whatever is fetched then is of no use. */
  readonly signal: AbortSignal;
}

/** How to reach a backend through a relay, and who is told what. Only `token` is needed in most pages. */
export interface RelayOptions {
  /** Where the relay listens: `ws:`, `wss:`, `http:` or `https:`. In a page it may be relative, and is where the page came from unless given. */
  readonly url?: string | URL;
  /** The backend's token; null where it has none, which is the default. A function is asked before each attempt, so that a changed one is found. */
  readonly token?: string | null | (() => string | null | Promise<string | null>);
  /** Default: subprotocols `mains.v1` and `mains.token.<token>`. */
  readonly wire?: Wire;
  /** Called for each message, in order; also for those that come while `refetch` runs. */
  readonly onMessage?: (message: Incoming) => void;
  /** Called when the status changes. */
  readonly onStatus?: (status: Status) => void;
  /**
   * Called on each connection, before the status is `connected` and before any waiting message goes out: fetch what is durable from the
   * backend here. When it throws or takes too long, the connection is given up and tried again.
   */
  readonly refetch?: (call: Refetch) => unknown;
  /** What may wait while there is no connection. Default 1000 messages and 16 MiB together; `send` throws QUEUE_FULL beyond. */
  readonly queue?: { readonly messages?: number; readonly bytes?: number };
  /** Null: none. Default in Node a WebSocket ping after 20 s of silence; in a page none, because it cannot send one. */
  readonly heartbeat?: Heartbeat | null;
  /**
   * Asked when a handshake failed without a reason, as all do in a page: ask the backend over HTTP, with the token, and return the status.
   * 401 and 403 mean that the token is refused. A throw means: nobody knows. Default for `wire.in: 'query'`: the same address by HTTP.
   */
  readonly hint?: (call: { readonly token: string | null; readonly signal: AbortSignal }) => Promise<number>;
  /** Close codes by which the backend refuses the token of an open connection. Default 3000, 3003, 4401 and 4403. */
  readonly refusals?: readonly number[];
  /** ms. Default 15000 for the `handshake` (longer than a relay holds its clients, see `hold.time`) and 30000 for `refetch`. */
  readonly deadlines?: { readonly handshake?: number; readonly refetch?: number };
}
