import type { Client, ClientChannel } from 'ssh2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Deadlines, Keepalive } from '../model/config.ts';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import type { LinkFacts } from '../model/event.ts';
import { gatherWrites } from '../socket/gather.ts';
import { Fault } from '../model/fault.ts';
import { marks, openFault } from './errors.ts';
import { beginWindowsWith, ownWindow, ping, poolPadding } from './internals.ts';
import { Pulse } from './pulse.ts';
import { firstWindow, ReceiveWindow, windowBudget } from './receive-window.ts';

/** One connection's stream inside a link: half-open, with SSH's own window as its backpressure. */
export type Channel = ClientChannel;

/** Who a channel is opened for, as the server's log shows it (RFC 4254 section 7.2). */
export interface Originator {
  readonly address: string;
  readonly port: number;
}

/** One authenticated SSH connection over a whole route. It lives until `close()`, or until it is lost. */
export class Link {
  readonly facts: LinkFacts;
  /** To be called before channels are written to: their packets leave in one system call. */
  readonly gather: () => void;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #where: string;
  readonly #open: number;
  readonly #pulse: Pulse;
  readonly #windows = windowBudget();
  readonly #onLost = new Set<(fault: Fault) => void>();
  #fault: Fault | null = null;

  /** `client` is authenticated; `socket` is the TCP connection that carries the whole route; `hops` are the clients before it. */
  constructor(options: {
    client: Client;
    socket: Socket;
    hops: readonly { readonly client: Client; readonly where: string }[];
    where: string;
    keepalive: Keepalive;
    deadlines: Deadlines;
    facts: LinkFacts;
  }) {
    const { client, socket, where, keepalive } = options;
    this.#client = client;
    this.#socket = socket;
    this.#where = where;
    this.#open = options.deadlines.open;
    this.gather = gatherWrites(socket);
    poolPadding(client);
    beginWindowsWith(client, firstWindow);
    this.facts = options.facts;
    const silent = () => {
      const seconds = (keepalive.interval * (keepalive.count + 1)) / 1000;
      this.#lose(new Fault('LINK_SILENT', `no answer from ${where} for ${seconds} s; reconnecting`));
    };
    this.#pulse = new Pulse(keepalive, () => this.#ping(), silent);
    socket.on('data', () => this.#pulse.beat());
    // ssh2 ends every channel cleanly when the connection goes: who forwards must hear of the loss before that.
    client.removeAllListeners('error');
    let said = '';
    client.on('error', (error) => {
      const { text, code, level } = marks(error);
      said = text;
      const corrupt = typeof code !== 'number' && level !== 'client-socket' && level !== 'agent';
      if (corrupt)
        this.#lose(
          new Fault('INTEGRITY_FAILED', `data from ${where} failed its integrity check (${text}); reconnecting`),
        );
    });
    const ended = () => {
      const why = said === '' ? 'closed by peer' : said;
      this.#lose(new Fault('LINK_LOST', `the link to ${where} was lost (${why}); reconnecting`));
    };
    client.once('end', ended);
    client.once('close', ended);
    for (const hop of options.hops) {
      const hopEnded = () => this.#lose(new Fault('LINK_LOST', `the link to ${hop.where} was lost; reconnecting`));
      hop.client.once('end', hopEnded);
      hop.client.once('close', hopEnded);
    }
    this.#quicken();
  }

  /** What ended it; null while it lives. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** Calls back once when the link is lost, before any channel is told; at once when it is lost already. */
  onLost(listener: (fault: Fault) => void): () => void {
    if (this.#fault !== null) listener(this.#fault);
    else this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /**
   * Opens a channel to a target as the remote host sees it. Rejects with FORWARDING_REFUSED, TARGET_REFUSED, OPEN_TIMEOUT,
   * or with what ended the link. When the deadline passes without one byte from the server, the link itself is lost.
   */
  dial(target: Endpoint, from: Originator): Promise<ClientChannel> {
    const name = formatEndpoint(target);
    return this.#channel(name, (done) => {
      if (target.kind === 'unix') this.#client.openssh_forwardOutStreamLocal(target.path, done);
      else this.#client.forwardOut(from.address, from.port, target.host, target.port, done);
    });
  }

  /** True when so much waits to be sent that nobody may write more: ssh2 itself ignores the socket's backpressure. */
  get congested(): boolean {
    return this.#socket.writableLength > 256 * 1024;
  }

  /** Calls back when the link can take bytes again. */
  onceClear(listener: () => void): void {
    this.#clear.push(listener);
    if (this.#clear.length > 1) return;
    this.#socket.once('drain', () => {
      const waiting = this.#clear;
      this.#clear = [];
      for (const one of waiting) one();
    });
  }

  #clear: (() => void)[] = [];

  /** Asks whether the server is still there; called on a wake or a suspicion. */
  check(): void {
    this.#pulse.suspect();
  }

  /** Ends the link on purpose. Closing twice is harmless. */
  close(): void {
    this.#lose(new Fault('LINK_LOST', `the link to ${this.#where} was closed; nothing to do`));
  }

  /** The server took more than it was granted. */
  breach(): void {
    const text = `${this.#where} sent more data than it was allowed (SSH window); check what runs there, then restart the relay`;
    this.#lose(new Fault('PROTOCOL_ERROR', text));
  }

  #channel(
    name: string,
    open: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
  ): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== null) return reject(this.#fault);
      let settled = false;
      const settle = (end: () => void) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        clearTimeout(early);
        forget();
        end();
      };
      const timer = setTimeout(() => {
        if (this.#pulse.quietFor() >= this.#open) {
          this.#lose(
            new Fault('LINK_SILENT', `no answer from ${this.#where} for ${this.#open / 1000} s; reconnecting`),
          );
          return;
        }
        const text = `${this.#where} did not open ${name} within ${this.#open / 1000} s; check that the target is reachable from there`;
        settle(() => reject(new Fault('OPEN_TIMEOUT', text, { detail: { target: name } })));
      }, this.#open);
      const early = setTimeout(() => this.#pulse.suspect(), this.#open / 2);
      const forget = this.onLost((fault) => settle(() => reject(fault)));
      const done = (error: Error | undefined, channel: ClientChannel) => {
        if (error) return settle(() => reject(this.#fault ?? openFault(error, this.#where, name)));
        // Opened after its deadline: nobody waits for it any more.
        if (settled) return channel.close();
        channel.on('error', () => undefined);
        this.#own(channel);
        settle(() => resolve(channel));
      };
      try {
        open(done);
      } catch (error) {
        settle(() => reject(openFault(error, this.#where, name)));
      }
    });
  }

  #own(channel: ClientChannel): void {
    const window = new ReceiveWindow(this.#windows);
    channel.once('close', () => window.release());
    const grant = (left: number, unread: number) => window.grant(left, unread, performance.now());
    ownWindow(this.#client, channel, firstWindow, grant, () => this.breach());
  }

  /** sshd leaves Nagle on until a session runs a command: this costs one round trip and saves 40 ms on small answers. */
  #quicken(): void {
    try {
      this.#client.exec('true', (error, channel) => {
        if (error) return;
        channel.on('error', () => undefined);
        channel.resume();
        channel.stderr.resume();
        channel.end();
        // A forced command may run for ever.
        const timer = setTimeout(() => channel.close(), 5_000);
        channel.once('close', () => clearTimeout(timer));
      });
    } catch {
      // Not connected any more: the link's own 'close' tells it.
    }
  }

  #ping(): void {
    if (this.#fault === null && this.#socket.writable) ping(this.#client);
  }

  #lose(fault: Fault): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#pulse.stop();
    const listeners = [...this.#onLost];
    this.#onLost.clear();
    for (const listener of listeners) listener(fault);
    // end() alone never leads to 'close' on a silent peer.
    this.#client.end();
    const socket: Duplex = this.#socket;
    socket.destroy();
  }
}
