import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
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
// `towline/client` as it was built: a page needs no bundler for it.
const clientDir = resolve(import.meta.dirname, '..', 'src', 'client');
const scriptType = 'text/javascript; charset=utf-8';
const files: Readonly<Record<string, { readonly name: string; readonly type: string }>> = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { name: 'page.js', type: scriptType },
  '/page.css': { name: 'page.css', type: 'text/css; charset=utf-8' },
};
const wrongToken = 'the pairing token is wrong or missing: open the address that the demo has printed';
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Starts it on a free loopback port, with its journal in `file`; `onBreak` is called when the page asks for a broken link. */
export async function startBackend(file: string, onBreak: () => void): Promise<DemoBackend> {
  const token = randomBytes(32).toString('base64url');
  const journal = await Journal.open(file);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 64 * 1024,
    handleProtocols: (offered) => (offered.has('mains.v1') ? 'mains.v1' : false),
  });
  sockets.on('connection', (socket) => talk(socket, journal, sockets, onBreak));
  const server = createServer({ noDelay: true }, (request, response) => answer(request, response, token));
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    if (!ownPage(request)) return refuse(stream, '403 Forbidden', 'another page may not connect here');
    if (!paired(request, token)) return refuse(stream, '401 Unauthorized', wrongToken);
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
  const { pathname: path } = new URL(request.url ?? '/', 'http://demo');
  const file = files[path];
  const [, module] = /^\/client\/([a-z-]+\.js)$/.exec(path) ?? [];
  const say = (status: number, text: string): void => {
    response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'only GET is served here');
  if (path === '/paired') return paired(request, token) ? say(200, 'paired') : say(401, wrongToken);
  if (module !== undefined && existsSync(join(clientDir, module)))
    return send(response, scriptType, join(clientDir, module));
  if (file === undefined) return say(404, `there is nothing at ${path}`);
  // The page holds no secret.
  send(response, file.type, join(pageDir, file.name));
}

function send(response: ServerResponse, type: string, file: string): void {
  response.writeHead(200, { ...headers, 'Content-Type': type }).end(readFileSync(file));
}

/** The token: from the query, a subprotocol `mains.token.<token>` or `Authorization: Bearer`. */
function paired(request: IncomingMessage, token: string): boolean {
  const query = new URL(request.url ?? '/', 'http://demo').searchParams.get('token');
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const prefix = 'mains.token.';
  const named = protocols.find((name) => name.startsWith(prefix))?.slice(prefix.length);
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const [given, wanted] = [Buffer.from(named ?? query ?? bearer ?? ''), Buffer.from(token)];
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

function talk(socket: WebSocket, journal: Journal, sockets: WebSocketServer, onBreak: () => void): void {
  socket.on('error', () => socket.terminate());
  // The file is the truth: whoever comes, or comes back, gets all of it first.
  socket.send(JSON.stringify({ type: 'journal', lines: journal.lines }));
  socket.on('message', async (data) => {
    if (String(data) === '{"type":"break"}') return onBreak();
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
