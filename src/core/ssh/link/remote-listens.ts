import type { AcceptConnection, Client, ClientChannel } from 'ssh2';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { expectClients } from '../internals.ts';
import type { Opening } from './open-channel.ts';
import type { Originator } from './channels.ts';
import type { WindowBudget } from './receive-window.ts';

/** A connection that came to a listener of the remote host, before anybody has taken it. */
export interface Incoming {
  /** Where its client comes from, as the server says; null for a Unix socket. */
  readonly from: Originator | null;
  /** Takes it. Throws what ended the link. */
  accept(): ClientChannel;
  /** The server closes it; its client sees a connection that ends at once. */
  refuse(): void;
}

/** A listener of the remote host. */
export interface RemoteListener {
  /** Where it listens, with the port that the server chose. */
  readonly listen: Endpoint;
  /** The server listens no longer; what it accepted lives on. Closing twice is harmless. */
  close(): void;
}

/** Takes a connection that came to a listener; it may come before whoever asked for the listener has heard of it. */
export type Take = (incoming: Incoming, listen: Endpoint) => void;

/** A listener that the server was asked for, and has not answered for. */
interface Asked {
  readonly key: string;
  /** Clients of it that came before the answer: some servers serve a listener beside their answers. */
  readonly early: (() => void)[];
}

/** Who takes the clients of a listener, and what bounds their windows. */
interface Taker {
  readonly take: (incoming: Incoming) => void;
  readonly windows: WindowBudget;
}

/** The listeners of the remote host over one link, each with who takes what comes to it. */
export class RemoteListens {
  readonly #client: Client;
  readonly #opening: Omit<Opening, 'opened'>;
  readonly #opened: (channel: ClientChannel, windows: WindowBudget) => void;
  readonly #takers = new Map<string, Taker>();
  readonly #unanswered = new Set<Asked>();
  #asked = false;

  /** `opened` is told of each channel that is taken, and by what its listener's windows are bounded. */
  constructor(
    client: Client,
    opening: Omit<Opening, 'opened'>,
    opened: (channel: ClientChannel, windows: WindowBudget) => void,
  ) {
    this.#client = client;
    this.#opening = opening;
    this.#opened = opened;
    // ssh2 drops what nobody hears, and its channel stays open.
    client.on('tcp connection', ({ destIP, destPort, srcIP, srcPort }, accept, reject) => {
      this.#come(`${destIP} ${destPort}`, { address: srcIP, port: srcPort }, accept, reject);
    });
    client.on('unix connection', ({ socketPath }, accept, reject) => {
      // The same class; its type leaves out what sessions have.
      this.#come(socketPath, null, accept as AcceptConnection<ClientChannel>, reject);
    });
  }

  /**
   * Has the server listen (RFC 4254 section 7.1; OpenSSH's PROTOCOL section 2.4 for Unix sockets). It says no without a reason: rejects with
   * LISTEN_UNAVAILABLE then, or with what ended the link.
   */
  listen(endpoint: Endpoint, take: Take, windows: WindowBudget): Promise<RemoteListener> {
    const { where, onLost, fault, deadline } = this.#opening;
    return new Promise((resolve, reject) => {
      const lost = fault();
      if (lost !== null) return reject(lost);
      const forget = onLost(reject);
      const asked: Asked = { key: keyOf(endpoint), early: [] };
      let unexpect: () => void = () => undefined;
      let over = false;
      const settle = () => {
        over = true;
        forget();
        clearTimeout(timer);
        this.#unanswered.delete(asked);
        for (const come of asked.early.splice(0)) come();
      };
      const refuse = (text: string, more: Readonly<Record<string, number>> = {}) => {
        unexpect();
        unexpect = () => undefined;
        settle();
        reject(
          fault() ?? new Fault('LISTEN_UNAVAILABLE', text, { detail: { listen: formatEndpoint(endpoint), ...more } }),
        );
      };
      const timer = setTimeout(
        () =>
          refuse(
            `${where} did not say within ${deadline / 1000} s whether it listens on ${formatEndpoint(endpoint)}; look at it`,
            { within: deadline },
          ),
        deadline,
      );
      const done = (error?: Error | null, port?: number) => {
        if (error)
          return refuse(
            `${where} does not listen on ${formatEndpoint(endpoint)}; look at what listens there and at AllowTcpForwarding, or choose another \`listen\``,
          );
        const listen = endpoint.kind === 'tcp' ? { ...endpoint, port: port ?? endpoint.port } : endpoint;
        const listener = this.#bound(listen, take, windows);
        // Nobody waits for it any more, and nobody would end it.
        if (over) return listener.close();
        resolve(listener);
        settle();
      };
      this.#asked = true;
      this.#unanswered.add(asked);
      unexpect = expectClients(this.#client, endpoint);
      try {
        if (endpoint.kind === 'unix') this.#client.openssh_forwardInStreamLocal(endpoint.path, done);
        else this.#client.forwardIn(endpoint.host, endpoint.port, done);
      } catch {
        // ssh2 knows before we do that the connection is gone.
        this.#opening.lose(
          new Fault('LINK_LOST', `the link to ${where} was lost while it was to listen; reconnecting`),
        );
      }
    });
  }

  #bound(listen: Endpoint, take: Take, windows: WindowBudget): RemoteListener {
    const key = keyOf(listen);
    const taker = { take: (incoming: Incoming) => take(incoming, listen), windows };
    this.#takers.set(key, taker);
    return {
      listen,
      close: () => {
        if (this.#takers.get(key) !== taker) return;
        this.#takers.delete(key);
        if (this.#opening.fault() !== null) return;
        const nothing = () => undefined;
        try {
          if (listen.kind === 'unix') this.#client.openssh_unforwardInStreamLocal(listen.path, nothing);
          else this.#client.unforwardIn(listen.host, listen.port, nothing);
        } catch {
          // The connection is gone, and the listener with it.
        }
      },
    };
  }

  #come(key: string, from: Originator | null, accept: () => ClientChannel, reject: () => void): void {
    const taker = this.#takers.get(key);
    if (taker === undefined) {
      if (this.#opening.fault() !== null) return;
      const asked = [...this.#unanswered].find((one) => one.key === key);
      if (asked === undefined) reject();
      else asked.early.push(() => this.#come(key, from, accept, reject));
      return;
    }
    taker.take({
      from,
      refuse: () => {
        if (this.#opening.fault() === null) reject();
      },
      accept: () => {
        const lost = this.#opening.fault();
        if (lost !== null) throw lost;
        const channel = accept();
        channel.on('error', () => undefined);
        this.#opened(channel, taker.windows);
        return channel;
      },
    });
  }

  /** Whether a channel of this type may come: somebody has asked the server to listen. */
  expects(type: string): boolean {
    return this.#asked && (type === 'forwarded-tcpip' || type === 'forwarded-streamlocal@openssh.com');
  }
}

/** Under which name clients of a listener come, as the server tells it. */
function keyOf(listen: Endpoint): string {
  return listen.kind === 'unix' ? listen.path : `${listen.host} ${listen.port}`;
}
