import type { RelayFault } from './relay-fault.ts';

/** How it is with a connection: what the dot beside it should show. */
export type Status =
  /** Never connected so far, or on the way back after a break. `fault` says why the last attempt failed, or how the connection ended. */
  | {
      readonly word: 'connecting' | 'reconnecting';
      /** How many attempts or connections have failed in a row; a connection that lasted 5 s begins anew. */
      readonly failures: number;
      /** When the next attempt comes, ms since the epoch; null while one is under way. */
      readonly retryAt: number | null;
      readonly fault: RelayFault | null;
    }
  /** The backend has taken the token, and `refetch` is done. */
  | { readonly word: 'connected'; readonly fault: null }
  /** Nothing is tried any more: the token is refused (`fault` says so; see `retry`), or `close()` was called (null). */
  | { readonly word: 'offline'; readonly fault: RelayFault | null };
