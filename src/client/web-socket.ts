import type { Incoming, Outgoing } from './options.ts';
import type { OpenSocket } from './socket.ts';

/** The part of a browser's WebSocket that is used. */
interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(message: Outgoing): void;
  close(code?: number): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: Incoming }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

interface Scope {
  readonly WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  readonly setTimeout?: unknown;
}

const open = 1;

/** Opens the WebSocket that the browser has. */
export const openWebSocket: OpenSocket = (address, ear) => {
  const scope: Scope = globalThis;
  if (scope.WebSocket === undefined) throw new Error('there is no WebSocket here; Node takes the `node` export');
  const socket = new scope.WebSocket(address.url, [...address.protocols]);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => ear.open());
  socket.addEventListener('message', ({ data }) => ear.message(data));
  // An error is always followed by this; a page learns no more from it.
  socket.addEventListener('close', ({ code, reason }) => {
    ear.end({ how: 'closed', code, text: reason.replace(/\p{C}/gu, '?') });
  });
  return {
    send(message) {
      if (socket.readyState !== open) return false;
      socket.send(message);
      return true;
    },
    buffered: () => socket.bufferedAmount,
    close: () => socket.close(1000),
    drop: () => socket.close(),
  };
};
