import type { Client, ClientChannel } from 'ssh2';
import type { Duplex } from 'node:stream';
import { type Deadlines, detectTime, type Keepalive } from '../../model/config.ts';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import type { LinkFacts } from '../../model/event.ts';
import { Fault } from '../../model/fault.ts';
import { gatherWrites } from '../../socket/gather.ts';
import { type Carrier, Carriers } from './carriers.ts';
import { Echo } from './echo.ts';
import { type Heeded, heedEnd } from './heed-end.ts';
import { beginWindowsWith, endedWithoutEof, ownWindow, packetSize } from '../internals.ts';
import { openChannel, type Opening } from './open-channel.ts';
import { policeServer } from './police-server.ts';
import { poolPadding } from './pooled-padding.ts';
import { Pulse } from './pulse.ts';
import { quicken } from './quicken.ts';
import { firstWindow, ReceiveWindow, windowBudget } from './receive-window.ts';
import { type Incoming, type RemoteListener, RemoteListens } from './remote-listens.ts';
import { countUnasked } from './unasked-channels.ts';

/** One connection's stream inside a link: half-open, with SSH's own window as its backpressure. */
export type Channel = ClientChannel;

export type { Incoming, RemoteListener } from './remote-listens.ts';

/** Who a channel is opened for, as the server's log shows it (RFC 4254 section 7.2). */
export interface Originator {
  readonly address: string;
  readonly port: number;
}

/** What a link is made of. */
export interface LinkParts extends Heeded {
  /** Carries the whole route. */
  readonly socket: Carrier;
  /** The channel through which each host after the first one is reached. */
  readonly channels: readonly Duplex[];
  readonly keepalive: Keepalive;
  readonly deadlines: Deadlines;
  /** Whether to run `true` there, so that sshd turns Nagle's algorithm off. */
  readonly quicken: boolean;
  readonly facts: LinkFacts;
  /** A sentence for the user. */
  readonly onNote: (text: string) => void;
}

/** No server takes less; each byte would be a packet. */
const leastPacket = 256;

/** One authenticated SSH connection over a whole route. It lives until `close()`, or until it is lost. */
export class Link {
  readonly facts: LinkFacts;
  /** To be called before channels are written to: their packets leave in one system call. */
  readonly gather: () => void;
  readonly #client: Client;
  readonly #socket: Carrier;
  readonly #where: string;
  readonly #carriers: Carriers;
  readonly #echo: Echo;
  readonly #pulse: Pulse;
  readonly #opening: Opening;
  readonly #listens: RemoteListens;
  readonly #windows = windowBudget();
  readonly #onLost = new Set<(fault: Fault) => void>();
  readonly #onNamed = new Set<(machine: string) => void>();
  #machine: string | null = null;
  #fault: Fault | null = null;

  constructor(parts: LinkParts) {
    const { client, socket, where, keepalive } = parts;
    this.#client = client;
    this.#socket = socket;
    this.#where = where;
    this.facts = parts.facts;
    this.gather = gatherWrites(socket);
    this.#carriers = new Carriers([socket, ...parts.channels]);
    poolPadding(client);
    beginWindowsWith(client, firstWindow);
    policeServer(
      client,
      () => this.#carriers.backlog,
      (what) => this.#breach(what),
    );
    this.#echo = new Echo(client, socket);
    const silent = () => {
      const seconds = detectTime(keepalive) / 1000;
      this.#lose(new Fault('LINK_SILENT', `no answer from ${where} for ${seconds} s; reconnecting`));
    };
    this.#pulse = new Pulse(keepalive, () => this.#echo.ping(), silent);
    // Only what the last host sends is its life: a jump host may be well while the one behind it hangs.
    const nearest = parts.channels.at(-1) ?? socket;
    nearest.on('data', () => this.#pulse.beat());
    this.#opening = {
      where,
      deadline: parts.deadlines.open,
      pulse: this.#pulse,
      ping: (answered) => this.#echo.ping(answered),
      idle: () => this.#echo.idle,
      fault: () => this.#fault,
      onLost: (listener) => this.onLost(listener),
      opened: (channel) => this.#own(channel),
      lose: (fault) => this.#lose(fault),
    };
    this.#listens = new RemoteListens(client, this.#opening);
    this.onLost(countUnasked(client, where, (type) => this.#listens.expects(type), parts.onNote));
    heedEnd(parts, (fault) => this.#lose(fault));
    if (parts.quicken) quicken(client, where, parts.onNote, (machine) => this.#name(machine));
  }

  /** What ended it; null while it lives. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** Calls back once when the link is lost, before any channel is told; at once when it is lost already. Returns the unsubscribe. */
  onLost(listener: (fault: Fault) => void): () => void {
    if (this.#fault !== null) listener(this.#fault);
    else this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /** Calls back once when the host has said what it calls itself; never where it runs no commands, or is not to be quickened. */
  onNamed(listener: (machine: string) => void): void {
    if (this.#machine !== null) listener(this.#machine);
    else this.#onNamed.add(listener);
  }

  /**
   * Opens a channel to a target as the remote host sees it. Rejects with FORWARDING_REFUSED, TARGET_REFUSED, OPEN_TIMEOUT,
   * or with what ended the link. When the deadline passes without one byte from the server, the link itself is lost.
   */
  dial(target: Endpoint, from: Originator): Promise<Channel> {
    return openChannel(this.#opening, formatEndpoint(target), (done) => {
      if (target.kind === 'unix') this.#client.openssh_forwardOutStreamLocal(target.path, done);
      else this.#client.forwardOut(from.address, from.port, target.host, target.port, done);
    });
  }

  /**
   * Has the remote host listen, and gives each connection that comes there to `take`. Rejects with LISTEN_UNAVAILABLE, or with what ended the
   * link. An accepted one is a channel as `dial` opens it.
   */
  listen(endpoint: Endpoint, take: (incoming: Incoming) => void): Promise<RemoteListener> {
    return this.#listens.listen(endpoint, take);
  }

  /** True when so much waits to be sent that nobody may write more. */
  get congested(): boolean {
    return this.#carriers.congested;
  }

  /**
   * True when a channel that ended was closed by the server in the middle (ChannelTimeout, a killed session): what came may not be
   * the whole. Only OpenSSH is known to send EOF before each ordinary close; others close without it all the time.
   */
  wasCut(channel: Channel): boolean {
    return endedWithoutEof(channel) && this.facts.server.startsWith('SSH-2.0-OpenSSH');
  }

  /** Calls back when the link can take bytes again. */
  onceClear(listener: () => void): void {
    this.#carriers.onceClear(listener);
  }

  /** Asks at once whether the server is still there: after a wake, or on a suspicion. */
  check(): void {
    this.#pulse.suspect();
  }

  /** How long a ping takes, ms. Rejects with what ended the link. */
  roundTrip(): Promise<number> {
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const forget = this.onLost(reject);
      this.#echo.ping(() => {
        forget();
        resolve(performance.now() - began);
      });
    });
  }

  /**
   * Starts a command on the host (RFC 4254 section 6.5). Its window is ssh2's own: it is read at once. Rejects with REMOTE_REFUSED, OPEN_TIMEOUT,
   * or with what ended the link.
   */
  async exec(command: string): Promise<Channel> {
    const opening = { ...this.#opening, opened: () => undefined };
    try {
      return await openChannel(opening, 'a command', (done) => {
        this.#client.exec(command, done);
      });
    } catch (error) {
      const fault = Fault.from(error);
      if (this.#fault !== null || fault.code === 'OPEN_TIMEOUT') throw fault;
      const text = `${this.#where} runs no commands for this user; look at MaxSessions, and at the key's options there`;
      throw new Fault('REMOTE_REFUSED', text, { cause: error });
    }
  }

  /** Ends the link on purpose. Closing twice is harmless. */
  close(): void {
    this.#lose(new Fault('LINK_LOST', `the link to ${this.#where} was closed; nothing to do`));
  }

  #own(channel: Channel): void {
    const window = new ReceiveWindow(this.#windows);
    channel.once('close', () => window.release());
    const grant = (left: number, unread: number) => window.grant(left, unread, performance.now());
    ownWindow(this.#client, channel, firstWindow, grant);
    if (packetSize(channel) < leastPacket) this.#breach(`takes packets of ${packetSize(channel)} bytes only`);
  }

  #name(machine: string): void {
    this.#machine = machine;
    for (const listener of this.#onNamed) listener(machine);
    this.#onNamed.clear();
  }

  #breach(what: string): void {
    const text = `${this.#where} broke the SSH protocol: it ${what}; check what runs there, then restart the relay`;
    this.#lose(new Fault('PROTOCOL_ERROR', text));
  }

  #lose(fault: Fault): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#pulse.stop();
    this.#echo.stop();
    const listeners = [...this.#onLost];
    this.#onLost.clear();
    for (const listener of listeners) listener(fault);
    // end() alone never leads to 'close' on a silent peer.
    this.#client.end();
    this.#socket.destroy();
  }
}
