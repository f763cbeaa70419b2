import { createServer, type Server, type Socket } from 'node:net';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { listenOwner } from './listen-owner.ts';
import { clearStaleSocket } from './stale-socket.ts';

/** Node's default of 511 loses some of 3,000 clients that connect at once. */
const backlog = 4_096;
const retry = 2_000;

export interface ListenerNews {
  bound(listen: Endpoint): void;
  failed(fault: Fault): void;
  accepted(socket: Socket): void;
}

/**
 * A bound address. It is bound once and stays bound; while another program has it, it is tried again every 2 s. Accepted
 * sockets are half-open and paused: no byte is read here.
 */
export class Listener {
  readonly #listen: Endpoint;
  readonly #news: ListenerNews;
  #server: Server | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #said = '';

  constructor(listen: Endpoint, news: ListenerNews) {
    this.#listen = listen;
    this.#news = news;
  }

  /** Tries to bind; resolves after the first try, whatever came of it. */
  async open(): Promise<void> {
    try {
      if (this.#listen.kind === 'unix') await clearStaleSocket(this.#listen.path);
      if (this.#closed) return;
      const server = await bind(this.#listen);
      if (this.#closed) return void server.close();
      server.on('connection', (socket) => this.#news.accepted(socket));
      // EMFILE and its like: the listener lives on, and accepts again when there is room.
      server.on('error', () => undefined);
      this.#server = server;
      this.#news.bound(this.#listen);
    } catch (error) {
      const fault = await listenFault(error, this.#listen);
      if (this.#closed) return;
      if (fault.message !== this.#said) this.#news.failed(fault);
      this.#said = fault.message;
      this.#timer = setTimeout(() => void this.open(), retry);
    }
  }

  /** Stops accepting at once; accepted connections live on. Closing twice is harmless. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#server?.close();
    this.#server = null;
  }
}

/** Binds an address; rejects with the system's error. */
export function bind(listen: Endpoint): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve(server);
    });
    if (listen.kind === 'tcp') {
      server.listen({ host: listen.host, port: listen.port, backlog, exclusive: true });
      return;
    }
    // The socket is born 0600: bind(2) happens within listen().
    const before = process.umask(0o177);
    try {
      server.listen({ path: listen.path, backlog });
    } finally {
      process.umask(before);
    }
  });
}

async function listenFault(error: unknown, listen: Endpoint): Promise<Fault> {
  if (error instanceof Fault) return error;
  const name = formatEndpoint(listen);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const options = { cause: error, detail: { listen: name } };
  switch (code) {
    case 'EADDRINUSE': {
      const owner = listen.kind === 'tcp' ? await listenOwner(listen.port) : null;
      const by = owner === null ? '' : ` by pid ${owner.pid} (${owner.name})`;
      return new Fault(
        'LISTEN_TAKEN',
        `${name} is in use${by}; stop that program, towline takes the address when it is free`,
        options,
      );
    }
    case 'EACCES':
    case 'EPERM':
      return new Fault(
        'LISTEN_DENIED',
        `you may not listen on ${name}; choose a port above 1023, or a folder that you own`,
        options,
      );
    case 'EADDRNOTAVAIL':
      return new Fault('LISTEN_UNAVAILABLE', `${name} is no address of this machine; correct listen`, options);
    default:
      return new Fault('LISTEN_UNAVAILABLE', `cannot listen on ${name} (${code}); correct listen`, options);
  }
}
