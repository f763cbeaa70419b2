import { createServer, type IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Backend, keep } from '../fixtures/backend.ts';
import type { Owner } from '../fixtures/temp.ts';

/** A backend that keeps what it was told, as one with a database would. */
export interface Ledger extends Backend {
  /** What was written, in order; `state` asks for it and is not written. */
  readonly written: string[];
  /** Each handshake: the subprotocols and the path that were asked for. */
  readonly handshakes: { readonly protocols: string; readonly path: string }[];
  /** The clients that are connected now. */
  readonly clients: ReadonlySet<WebSocket>;
  /** The token that it wants; null: none. */
  token: string | null;
  /** Answers each handshake with this HTTP status. */
  refuseWith: number | null;
  /** Neither answers handshakes nor says anything on open sockets, not even to a ping. */
  mute: boolean;
}

/** Writes down each message; answers `state` with all of them, and `hello` to each newcomer. */
export async function startLedger(t: Owner, { token = null as string | null, port = 0 } = {}): Promise<Ledger> {
  const server = createServer((request, response) => {
    const given = new URL(request.url ?? '/', 'http://ledger').searchParams.get('token');
    response.writeHead(ledger.token === null || given === ledger.token ? 426 : 401).end();
  });
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: false,
    handleProtocols: (offered) => (offered.has('mains.v1') ? 'mains.v1' : false),
  });
  const state = { written: [] as string[], handshakes: [] as Ledger['handshakes'], token, mute: false };
  sockets.on('connection', (socket: WebSocket) => {
    socket.on('error', () => undefined); // clients leave as they like
    socket.on('ping', () => ledger.mute || socket.pong());
    socket.on('message', (data) => {
      if (ledger.mute) return;
      if (String(data) === 'state') socket.send(JSON.stringify(state.written));
      else state.written.push(String(data));
    });
  });
  server.on('upgrade', (request, socket, head) => {
    state.handshakes.push({ protocols: request.headers['sec-websocket-protocol'] ?? '', path: request.url ?? '' });
    if (ledger.mute) return;
    const status = ledger.refuseWith ?? (paired(request, ledger.token) ? null : 401);
    if (status === null) {
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
    } else {
      socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
  });
  const backend = await keep(t, server, port);
  const ledger: Ledger = { ...backend, ...state, clients: sockets.clients, refuseWith: null };
  return ledger;
}

function paired(request: IncomingMessage, token: string | null): boolean {
  if (token === null) return true;
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const query = new URL(request.url ?? '/', 'http://ledger').searchParams.get('token');
  return offered.includes(`mains.token.${token}`) || query === token;
}
