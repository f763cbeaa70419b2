import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'tap';
import { WebSocketServer } from 'ws';
import { Fault } from '../../../src/core/model/fault.ts';
import { probeWebsocket } from '../../../src/core/probe/websocket.ts';
import { keep } from '../../fixtures/backend.ts';
import type { Owner } from '../../fixtures/temp.ts';

/** What a check says of a WebSocket server: `well`, or code and sentence of its fault. */
async function check(t: Owner, server: ReturnType<typeof createServer>, timeout: number): Promise<string> {
  const { port } = await keep(t, server, 0);
  const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const rest = { path: '/', status: null, body: null, every: 1_000, rise: 1, fall: 1 };
  const health = { kind: 'websocket', timeout, ...rest } as const;
  const { signal } = new AbortController();
  return probeWebsocket(async () => connect(port, '127.0.0.1'), target, health, signal).then(
    () => 'well',
    (error: unknown) => `${Fault.from(error).code} ${Fault.from(error).message}`,
  );
}

test('a backend that agrees to the handshake and is mute from then on is not well', async (t) => {
  const server = createServer();
  server.on('upgrade', ({ headers }, socket) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    socket.on('error', () => undefined).resume();
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
    );
  });
  t.match(await check(t, server, 300), /^PROBE_FAILED .* gave no WebSocket answer within 0\.3 s/);
});

for (const size of [0, 16 * 1024, 3 * 1024 * 1024]) {
  test(`a backend that sends its state of ${size} bytes at once is well`, async (t) => {
    const server = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (client) => {
        client.on('error', () => undefined);
        if (size > 0) client.send(Buffer.alloc(size));
      }),
    );
    t.equal(await check(t, server, 5_000), 'well');
  });
}
