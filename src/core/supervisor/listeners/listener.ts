import { linkSync, lstatSync, renameSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { bindAll, closeAll } from './bind.ts';
import { listenFault } from './listen-fault.ts';
import { errorCode } from '../../model/error-code.ts';
import { clearStaleSocket } from './stale-socket.ts';

/** A taken address is tried again so often, ms. */
const retry = 2_000;
/** At which of the tries the owner of a taken address is looked for. */
const lookEvery = 15;
const troublePeriod = 60_000;
/** How often a Unix socket is looked at, ms. */
const lookAtSocket = 2_000;

/** What a relay hears of one of its listeners. */
export interface ListenerNews {
  /** Clients can connect, for good. Again only where somebody removed a Unix socket. */
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
  #servers: readonly Server[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #socket: { readonly path: string; readonly inode: Inode } | null = null;
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
      const servers = await bindAll(listen);
      if (this.#closed) return closeAll(servers);
      const name = formatEndpoint(listen);
      for (const server of servers) {
        server.on('connection', (socket) => this.#news.accepted(socket));
        // EMFILE and its like: the listener lives on, and accepts again when there is room.
        server.on('error', (error) => this.#trouble(name, error));
      }
      this.#servers = servers;
      this.#said = null;
      this.#tries = 0;
      this.#news.bound(listen);
      if (listen.kind === 'unix') this.#guard(listen.path);
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
    this.#shut();
  }

  /** A Unix socket whose name is gone takes no client: it is made again. */
  #guard(path: string): void {
    const inode = inodeOf(path);
    this.#socket = { path, inode };
    const look = () => {
      const now = inodeOf(path);
      if (now === inode || now === 'unknown') {
        this.#timer = setTimeout(look, lookAtSocket);
        return;
      }
      this.#news.troubled(`${path} was removed by somebody and is made again; let it be`);
      this.#shut();
      void this.open();
    };
    this.#timer = setTimeout(look, lookAtSocket);
  }

  /** Closing unlinks the name without a look: what another program has put there meanwhile is kept out of its way. */
  #shut(): void {
    const { path, inode } = this.#socket ?? { path: '', inode: null };
    const found = path === '' ? null : inodeOf(path);
    const aside = `${path}.${process.pid}.aside`;
    const strange = typeof found === 'number' && found !== inode && tried(() => linkSync(path, aside));
    closeAll(this.#servers);
    this.#servers = [];
    this.#socket = null;
    if (strange) tried(() => renameSync(aside, path));
  }

  /** Whose address it is costs a look at every process: not at each try. */
  async #explain(error: unknown, listen: Endpoint | null): Promise<Fault> {
    if (listen === null) return Fault.from(error);
    this.#tries += 1;
    const again = this.#said !== null && this.#tries % lookEvery !== 0;
    if (again && errorCode(error) === 'EADDRINUSE' && this.#said?.code === 'LISTEN_TAKEN') return this.#said;
    return listenFault(error, listen);
  }

  #trouble(name: string, error: Error): void {
    if (performance.now() - this.#troubled < troublePeriod) return;
    this.#troubled = performance.now();
    const text = `${name} could not accept a client (${printable(error.message)})`;
    this.#news.troubled(`${text}; raise the limit of open files (ulimit -n, LimitNOFILE=)`);
  }
}

type Inode = number | null | 'unknown';

/** Null: nothing is there. A folder that cannot be looked into says nothing. */
function inodeOf(path: string): Inode {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
  } catch {
    return 'unknown';
  }
}

function tried(deed: () => void): boolean {
  try {
    deed();
    return true;
  } catch {
    // The name is somebody else's; there is nothing more to do for it.
    return false;
  }
}
