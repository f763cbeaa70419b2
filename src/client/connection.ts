import { type Address, addressOf, mainsWire } from './address.ts';
import { deadline } from './deadline.ts';
import { defaultRefusals, judge } from './judge.ts';
import type { Incoming, Outgoing, RelayOptions } from './options.ts';
import { Pulse } from './pulse.ts';
import { RelayFault } from './relay-fault.ts';
import type { End, OpenSocket, Socket } from './socket.ts';

/** What a connection is made of. */
export interface ConnectionParts {
  readonly options: RelayOptions;
  readonly openSocket: OpenSocket;
  readonly url: URL;
  /** The token for this attempt, or a function that has it. */
  readonly token: RelayOptions['token'];
  /** A token that the backend refused: nothing is dialed with it. */
  readonly refused: Refusal | null;
  /** No connection of this client was ever ready before. */
  readonly first: boolean;
}

/** What it tells, each at most once but for `message`; nothing after `lost` or `refused`. */
export interface ConnectionEar {
  /** The handshake is over and `refetch` is done. */
  ready(): void;
  message(message: Incoming): void;
  /** Gone, for a reason that waiting may cure. `silently`: a handshake failed and nobody said why. */
  lost(fault: RelayFault, silently: { readonly token: string | null; readonly address: Address } | null): void;
  /** Waiting cures nothing. `refusal` where the token is at fault. */
  hopeless(fault: RelayFault, refusal: Refusal | null): void;
}

/** A token, and how the backend refused it. */
export interface Refusal {
  readonly token: string | null;
  readonly fault: RelayFault;
}

/** One connection from its first attempt to its end: token, handshake, refetch, messages. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #ear: ConnectionEar;
  readonly #over = new AbortController();
  #socket: Socket | null = null;
  #opened = false;
  #pulse: Pulse | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ConnectionParts, ear: ConnectionEar) {
    this.#parts = parts;
    this.#ear = ear;
  }

  async open(): Promise<void> {
    const { deadlines, wire } = this.#parts.options;
    const { refused, url, openSocket } = this.#parts;
    const limit = deadlines?.handshake ?? 15_000;
    const token = await this.#askToken(limit);
    if (this.#over.signal.aborted || token === undefined) return;
    if (refused !== null && refused.token === token) return this.#end(() => this.#ear.hopeless(refused.fault, refused));
    try {
      const address = addressOf(url, wire ?? mainsWire, token);
      this.#timer = setTimeout(() => {
        const what = `${address.shown} did not answer the handshake within ${limit} ms: see \`towline status\``;
        this.#lose(new RelayFault('HANDSHAKE_TIMEOUT', what));
      }, limit);
      this.#socket = openSocket(address, {
        open: () => void this.#refetch(),
        message: (message) => this.#message(message),
        alive: () => this.#pulse?.heard(),
        end: (end) => this.#ended(end, address, token),
      });
    } catch (error) {
      const what = 'this machine opens no WebSocket there: the cause says why';
      const fault = error instanceof RelayFault ? error : new RelayFault('ADDRESS_INVALID', what, error);
      this.#end(() => this.#ear.hopeless(fault, null));
    }
  }

  /** False: it is gone, or about to go, and the message was not taken. Throws what `admit` throws, given the bytes that have not left yet. */
  send(message: Outgoing, admit: (waiting: number) => void = () => undefined): boolean {
    const socket = this.#socket;
    if (this.#over.signal.aborted || socket === null) return false;
    admit(socket.buffered());
    return socket.send(message);
  }

  /** Asks for a sign of life now. */
  ask(): void {
    this.#pulse?.ask();
  }

  /** Ends it with a goodbye; nothing is told any more. */
  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#end(() => socket?.close());
  }

  /** Ends it without one. */
  drop(): void {
    this.#end(() => undefined);
  }

  /** The token for this attempt; undefined when there is none, and that is told already. */
  async #askToken(limit: number): Promise<string | null | undefined> {
    const { token } = this.#parts;
    if (typeof token !== 'function') return token ?? null;
    try {
      return await deadline(async () => token(), limit, this.#over.signal);
    } catch (error) {
      this.#lose(new RelayFault('TOKEN_MISSING', `the token function failed, or gave none within ${limit} ms`, error));
      return undefined;
    }
  }

  async #refetch(): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return;
    clearTimeout(this.#timer);
    this.#opened = true;
    this.#watch();
    const { refetch, deadlines } = this.#parts.options;
    const limit = deadlines?.refetch ?? 30_000;
    const send = (message: Outgoing): void => {
      if (this.send(message)) return;
      throw new RelayFault('LINK_LOST', 'the connection is gone: refetch is called again on the next one');
    };
    try {
      await deadline(async () => refetch?.({ first: this.#parts.first, send, signal }), limit, signal);
    } catch (error) {
      return this.#lose(new RelayFault('REFETCH_FAILED', `refetch failed, or was not done within ${limit} ms`, error));
    }
    if (!signal.aborted) this.#ear.ready();
  }

  #watch(): void {
    const { heartbeat } = this.#parts.options;
    const own = this.#socket?.ping;
    if (heartbeat === null || (heartbeat === undefined && own === undefined)) return;
    const { every = 20_000, within = 10_000, ping } = heartbeat ?? {};
    this.#pulse = new Pulse({
      every,
      within,
      ping: () => (ping === undefined ? own?.() : void this.send(typeof ping === 'function' ? ping() : ping)),
      dead: (silence) => {
        this.#lose(new RelayFault('SILENT', `nothing came for ${silence} ms: the connection is given up`));
      },
    });
  }

  #message(message: Incoming): void {
    if (this.#over.signal.aborted) return;
    this.#pulse?.heard();
    this.#ear.message(message);
  }

  #ended(end: End, address: Address, token: string | null): void {
    const refusals = this.#parts.options.refusals ?? defaultRefusals;
    const fault = judge(end, { opened: this.#opened, shown: address.shown, hasToken: token !== null, refusals });
    if (fault.code === 'TOKEN_REFUSED') this.#end(() => this.#ear.hopeless(fault, { token, fault }));
    else this.#lose(fault, fault.code === 'UNREACHABLE' ? { token, address } : null);
  }

  #lose(fault: RelayFault, silently: Parameters<ConnectionEar['lost']>[1] = null): void {
    this.#end(() => this.#ear.lost(fault, silently));
  }

  /** All ends come here; the first one counts. */
  #end(tell: () => void): void {
    if (this.#over.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#pulse?.stop();
    this.#over.abort();
    this.#socket?.drop();
    tell();
  }
}
