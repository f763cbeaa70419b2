import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { listenOwner } from './listen-owner.ts';
import { clearStaleSocket } from './stale-socket.ts';

/** Node's default of 511 loses some of 3,000 clients that connect at once. */
const backlog = 4_096;
const retry = 2_000;
/** At which of the tries the owner of a taken address is looked for. */
const lookEvery = 15;
const troublePeriod = 60_000;

/** What a relay hears of one of its listeners. */
export interface ListenerNews {
  /** Clients can connect. Once, and then for good. */
  bound(listen: Endpoint): void;
  /** It is tried again each 2 s; said when the reason is a new one. */
  failed(fault: Fault): void;
  /** A client could not be accepted; said at most once a minute. */
  troubled(text: string): void;
  accepted(socket: Socket): void;
}

/**
 * A bound address. It is bound once and stays bound; while another program has it, it is tried again every 2 s. Accepted
 * sockets are half-open and paused: no byte is read here.
 */
export class Listener {
  readonly #settle: () => Promise<Endpoint>;
  readonly #news: ListenerNews;
  #server: Server | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #tries = 0;
  #said: Fault | null = null;
  #troubled = Number.NEGATIVE_INFINITY;

  /** `settle` names the address before each try: it gives a `:0` listener its port. */
  constructor(settle: () => Promise<Endpoint>, news: ListenerNews) {
    this.#settle = settle;
    this.#news = news;
  }

  /** Tries to bind; resolves after the first try, whatever came of it. */
  async open(): Promise<void> {
    let listen: Endpoint | null = null;
    try {
      listen = await this.#settle();
      if (listen.kind === 'unix') await clearStaleSocket(listen.path);
      if (this.#closed) return;
      const server = await bind(listen);
      if (this.#closed) return void server.close();
      server.on('connection', (socket) => this.#news.accepted(socket));
      // EMFILE and its like: the listener lives on, and accepts again when there is room.
      const name = formatEndpoint(listen);
      server.on('error', (error) => this.#trouble(name, error));
      this.#server = server;
      this.#news.bound(listen);
    } catch (error) {
      const fault = await this.#explain(error, listen);
      if (this.#closed) return;
      if (fault.message !== this.#said?.message) this.#news.failed(fault);
      this.#said = fault;
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

  /** Whose address it is costs a look at every process: not at each try. */
  async #explain(error: unknown, listen: Endpoint | null): Promise<Fault> {
    if (listen === null) return Fault.from(error);
    this.#tries += 1;
    const again = this.#said !== null && this.#tries % lookEvery !== 0;
    if (again && codeOf(error) === 'EADDRINUSE' && this.#said?.code === 'LISTEN_TAKEN') return this.#said;
    return listenFault(error, listen);
  }

  #trouble(name: string, error: Error): void {
    if (performance.now() - this.#troubled < troublePeriod) return;
    this.#troubled = performance.now();
    const text = `${name} could not accept a client (${printable(error.message)})`;
    this.#news.troubled(`${text}; raise the limit of open files (ulimit -n, LimitNOFILE=)`);
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

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Says in words why an address cannot be bound, and what to do. */
export async function listenFault(error: unknown, listen: Endpoint): Promise<Fault> {
  if (error instanceof Fault) return error;
  const name = formatEndpoint(listen);
  const options = { cause: error, detail: { listen: name } };
  // libuv says EACCES for a folder that does not exist.
  if (listen.kind === 'unix' && !existsSync(dirname(listen.path))) {
    const text = `cannot listen on ${name}: there is no folder ${dirname(listen.path)}; make it, or correct listen`;
    return new Fault('LISTEN_UNAVAILABLE', text, options);
  }
  switch (codeOf(error)) {
    case 'EADDRINUSE': {
      const owner = listen.kind === 'tcp' ? await listenOwner(listen.port) : null;
      const by = owner === null ? '' : ` by pid ${owner.pid} (${owner.name})`;
      const text = `${name} is in use${by}; stop that program, towline takes the address when it is free`;
      return new Fault('LISTEN_TAKEN', text, options);
    }
    case 'EACCES':
    case 'EPERM': {
      const text = `you may not listen on ${name}; choose a port above 1023, or a folder that you own`;
      return new Fault('LISTEN_DENIED', text, options);
    }
    case 'EADDRNOTAVAIL':
      return new Fault('LISTEN_UNAVAILABLE', `${name} is no address of this machine; correct listen`, options);
    default:
      return new Fault('LISTEN_UNAVAILABLE', `cannot listen on ${name} (${codeOf(error)}); correct listen`, options);
  }
}
