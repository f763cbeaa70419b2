import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';

import { WebSocket, WebSocketServer } from 'ws';

import { Journal } from './journal.ts';

/** A backend as an agent's machine would run it: a web page, a WebSocket that wants a pairing token, and durable state. */
export interface DemoBackend {
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

const pageDir = resolve(import.meta.dirname, '..', '..', 'demo', 'page');
const files: Readonly<Record<string, { readonly name: string; readonly type: string }>> = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { name: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { name: 'page.css', type: 'text/css; charset=utf-8' },
};
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Starts it on a free loopback port, with its journal in `file`. */
export async function startBackend(file: string): Promise<DemoBackend> {
  const token = randomBytes(32).toString('base64url');
  const journal = await Journal.open(file);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 64 * 1024,
    handleProtocols: (offered) => (offered.has('mains.v1') ? 'mains.v1' : false),
  });
  sockets.on('connection', (socket) => talk(socket, journal, sockets));
  const server = createServer({ noDelay: true }, (request, response) => answer(request, response, token));
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    if (!ownPage(request)) return refuse(stream, '403 Forbidden', 'another page may not connect here');
    if (!paired(request, token)) return refuse(stream, '401 Unauthorized', 'the pairing token is wrong or missing');
    sockets.handleUpgrade(request, stream, head, (socket) => sockets.emit('connection', socket, request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    token,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, token: string): void {
  const path = new URL(request.url ?? '/', 'http://demo').pathname;
  const file = files[path];
  const say = (status: number, text: string): void => {
    response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'only GET is served here');
  if (file === undefined) return say(404, `there is nothing at ${path}`);
  if (path === '/' && !paired(request, token))
    return say(401, 'open the address with ?token=... that the demo has printed');
  response.writeHead(200, { ...headers, 'Content-Type': file.type }).end(readFileSync(join(pageDir, file.name)));
}

/** The token, from the query or from a subprotocol `mains.token.<token>`. */
function paired(request: IncomingMessage, token: string): boolean {
  const query = new URL(request.url ?? '/', 'http://demo').searchParams.get('token');
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const prefix = 'mains.token.';
  const named = protocols.find((name) => name.startsWith(prefix))?.slice(prefix.length);
  const [given, wanted] = [Buffer.from(named ?? query ?? ''), Buffer.from(token)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Browsers send an Origin; only the page that this backend itself has served may connect. */
function ownPage(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin === undefined || origin === `http://${host}`;
}

function refuse(stream: Duplex, status: string, text: string): void {
  const body = `${text}\n`;
  stream.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function talk(socket: WebSocket, journal: Journal, sockets: WebSocketServer): void {
  socket.on('error', () => socket.terminate());
  // The file is the truth: whoever comes, or comes back, gets all of it first.
  socket.send(JSON.stringify({ type: 'journal', lines: journal.lines }));
  socket.on('message', async (data) => {
    const asked = lineOf(String(data));
    if (asked === null) return socket.close(1003, 'expected {"type":"line","id":"...","text":"..."}');
    const before = journal.lines.length;
    const line = await journal.add(asked.id, asked.text, Date.now()).catch(() => null);
    if (line === null) return socket.close(1011, 'the journal cannot be written');
    if (journal.lines.length === before) return;
    const news = JSON.stringify({ type: 'line', line });
    for (const peer of sockets.clients) if (peer.readyState === WebSocket.OPEN) peer.send(news);
  });
}

function lineOf(data: string): { readonly id: string; readonly text: string } | null {
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== 'object' || message === null || !('id' in message) || !('text' in message)) return null;
    const { id, text } = message;
    if (typeof id !== 'string' || typeof text !== 'string' || id.length > 64) return null;
    return { id, text: text.slice(0, 1_000) };
  } catch {
    // Not JSON: the same answer as for any other message that is not understood.
    return null;
  }
}
