/** What can go wrong for a client of a relay, and what to do about it. `docs/client.md` shows this table. */
export const relayFaults = {
  ADDRESS_INVALID: {
    means: 'The address is none of a WebSocket.',
    todo: 'Give one such as ws://127.0.0.1:8787; a page may leave it out.',
  },
  TOKEN_UNUSABLE: {
    means: 'The token cannot be sent that way.',
    todo: "Look for a blank, a quote or a '=' in it; `wire: { in: 'query', name: 'token' }` carries any text.",
  },
  TOKEN_MISSING: {
    means: 'The `token` function failed, or did not answer in time.',
    todo: 'Nothing: it is asked again at the next attempt. Its error is the cause.',
  },
  TOKEN_REFUSED: {
    means: 'The backend does not know the token.',
    todo: 'Take the present one (`towline token RELAY`) and hand it to `retry(token)`; the old one is not tried again.',
  },
  UNREACHABLE: {
    means: 'No handshake came about, and nobody says why: a browser tells neither a refused port from a refused token.',
    todo: 'See `towline status`. In a browser `hint` can find out about the token.',
  },
  HANDSHAKE_REFUSED: {
    means: 'Something answered, but would not speak WebSocket.',
    todo: 'Check path and port; the status in the message is its answer.',
  },
  HANDSHAKE_TIMEOUT: {
    means: 'Nothing answered in time: a relay holds its clients while its link is away.',
    todo: 'See `towline status`; the next attempt comes by itself.',
  },
  REFETCH_FAILED: {
    means: '`refetch` failed, or did not end in time: the state is not known to be whole.',
    todo: 'Look at the cause; the next attempt comes by itself.',
  },
  LINK_LOST: {
    means: 'The connection was cut without a word, as by a relay whose SSH link is gone.',
    todo: 'Nothing: it reconnects.',
  },
  CLOSED: {
    means: 'The backend closed the connection; its code and words are in the message.',
    todo: 'Nothing: it reconnects. 1003, 1007 and 1009 speak of a message of yours.',
  },
  SILENT: {
    means: 'The connection looked open, but nothing came any more.',
    todo: 'Nothing: it reconnects.',
  },
  QUEUE_FULL: {
    means: '`send` was called with more than the queue may hold. The message was not taken.',
    todo: 'Keep it, and send it again once the status is `connected`; or raise `queue`.',
  },
  MESSAGE_UNUSABLE: {
    means: '`send` was given something that is neither text nor bytes.',
    todo: 'Use `JSON.stringify(...)`, or `await blob.arrayBuffer()`.',
  },
  CLIENT_CLOSED: {
    means: '`send` or `retry` was called after `close()`. The message was not taken.',
    todo: 'Connect anew.',
  },
} as const;

export type RelayFaultCode = keyof typeof relayFaults;

/** A failure with a code. The message names the thing and the value and says what to do; a token is never in it. */
export class RelayFault extends Error {
  override readonly name = 'RelayFault';
  readonly code: RelayFaultCode;

  constructor(code: RelayFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}
