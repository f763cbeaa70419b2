import type { Address } from './address.ts';
import type { Incoming, Outgoing } from './options.ts';

/** One WebSocket, as this machine has it. Whatever happens after `end` is not told. */
export interface Socket {
  /** False when it is not open any more: its end is about to be told, and the message was not taken. */
  send(message: Outgoing): boolean;
  /** Bytes that were sent but have not left yet. */
  buffered(): number;
  /** Asks the other side for a sign of life; absent where the machine has none to offer. */
  readonly ping?: () => void;
  /** Says goodbye; the other side learns of it. */
  close(): void;
  /** Forgets it at once, without a word: a dead one would answer no goodbye. */
  drop(): void;
}

/** What a socket tells. */
export interface Ear {
  open(): void;
  message(message: Incoming): void;
  /** A sign of life that is no message. */
  alive(): void;
  end(end: End): void;
}

/** How a socket ended. */
export type End =
  /** The handshake was answered by this HTTP status. */
  | { readonly how: 'refused'; readonly status: number }
  /** Closed, or cut: 1006, the only thing that a page is told of a handshake that failed. `text` says more where the machine does. */
  | { readonly how: 'closed'; readonly code: number; readonly text: string };

export type OpenSocket = (address: Address, ear: Ear) => Socket;
