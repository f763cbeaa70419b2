import type { Client, ClientChannel } from 'ssh2';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { beginWindowsWith, ownWindow, packetSize } from '../internals.ts';
import { type RemoteListener, RemoteListens, type Take } from './remote-listens.ts';
import { openChannel, type Opening } from './open-channel.ts';
import type { Pace } from './pace.ts';
import { firstWindow, ReceiveWindow, type WindowBudget, windowBudget } from './receive-window.ts';

/** One connection's stream inside a link: half-open, with SSH's own window as its backpressure. */
export type Channel = ClientChannel;

/** Who a channel is opened for, as the server's log shows it (RFC 4254 section 7.2). */
export interface Originator {
  readonly address: string;
  readonly port: number;
}

/** No server takes less; each byte would be a packet. */
const leastPacket = 256;

/** The channels of one link: each is opened with a deadline, and those to a target have a receive window of ours. */
export class Channels {
  readonly #client: Client;
  readonly #opening: Omit<Opening, 'opened'>;
  readonly #breach: (what: string) => void;
  readonly #pace: Pace;
  readonly #begun: (channel: Channel) => number;
  readonly #none = windowBudget(0);
  readonly #listens: RemoteListens;

  /** `breach`: the server broke the protocol. */
  constructor(client: Client, opening: Omit<Opening, 'opened'>, pace: Pace, breach: (what: string) => void) {
    this.#client = client;
    this.#opening = opening;
    this.#breach = breach;
    this.#pace = pace;
    this.#begun = beginWindowsWith(client, () => pace.first(firstWindow, performance.now()));
    this.#listens = new RemoteListens(client, opening, (channel, windows) => this.#own(channel, windows));
  }

  /** As `Link.dial`. */
  dial(target: Endpoint, from: Originator, signal?: AbortSignal, windows = this.#none): Promise<Channel> {
    const opening = { ...this.#opening, opened: (channel: Channel) => this.#own(channel, windows) };
    const open = (hand: (error: Error | undefined, channel: Channel) => void) => {
      const done = (error: Error | undefined, channel: Channel) => {
        hand(error, channel);
        // One that came after its deadline was nobody's.
        if (!error) this.#begun(channel);
      };
      if (target.kind === 'unix') this.#client.openssh_forwardOutStreamLocal(target.path, done);
      else this.#client.forwardOut(from.address, from.port, target.host, target.port, done);
    };
    return openChannel(opening, formatEndpoint(target), open, signal);
  }

  /** As `Link.listen`. */
  listen(endpoint: Endpoint, take: Take, windows = this.#none): Promise<RemoteListener> {
    return this.#listens.listen(endpoint, take, windows);
  }

  /** Whether a channel of this type may come from the server: somebody has asked it to listen. */
  expects(type: string): boolean {
    return this.#listens.expects(type);
  }

  /** As `Link.exec`. */
  async exec(command: string, signal?: AbortSignal): Promise<Channel> {
    const opening = { ...this.#opening, opened: () => undefined };
    try {
      const open = (done: (error: Error | undefined, channel: Channel) => void) =>
        void this.#client.exec(command, done);
      return await openChannel(opening, 'a command', open, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const fault = Fault.from(error);
      if (this.#opening.fault() !== null || fault.code === 'OPEN_TIMEOUT') throw fault;
      const text = `${this.#opening.where} runs no commands for this user; look at MaxSessions, and at the key's options there`;
      throw new Fault('REMOTE_REFUSED', text, { cause: error });
    }
  }

  #own(channel: Channel, windows: WindowBudget): void {
    const first = this.#begun(channel);
    const window = new ReceiveWindow(windows, this.#pace, first);
    channel.once('close', () => window.release());
    ownWindow(this.#client, channel, first, (left, unread) => window.grant(left, unread, performance.now()));
    if (packetSize(channel) < leastPacket) this.#breach(`takes packets of ${packetSize(channel)} bytes only`);
  }
}
