import { WebSocket } from 'ws';
import type { OpenSocket } from './socket.ts';

/** How long a goodbye may take, ms. */
const farewell = 1_000;

/** Opens a WebSocket by `ws`: it tells the HTTP status of a refused handshake, sends pings, and can be dropped at once. */
export const openWs: OpenSocket = (address, ear) => {
  const socket = new WebSocket(address.url, [...address.protocols], { perMessageDeflate: false });
  socket.binaryType = 'arraybuffer';
  let text = '';
  let refused = false;
  socket.on('error', (error) => {
    text = error.message; // 'close' follows
  });
  socket.on('unexpected-response', (request, response) => {
    refused = true;
    request.destroy();
    ear.end({ how: 'refused', status: response.statusCode ?? 0 });
  });
  socket.on('open', () => ear.open());
  socket.on('pong', () => ear.alive());
  socket.on('ping', () => ear.alive());
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string' || data instanceof ArrayBuffer) ear.message(data);
  });
  socket.on('close', (code, reason) => {
    const said = reason.length > 0 ? reason.toString() : text;
    if (!refused) ear.end({ how: 'closed', code, text: said.replace(/\p{C}/gu, '?') });
  });
  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(message);
      return true;
    },
    buffered: () => socket.bufferedAmount,
    ping() {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    close() {
      socket.close(1000);
      // A dead peer answers no goodbye, and the socket would keep the process for 30 s.
      const late = setTimeout(() => socket.terminate(), farewell);
      socket.once('close', () => clearTimeout(late));
    },
    drop: () => socket.terminate(),
  };
};
