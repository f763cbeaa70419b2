import type { Client, ClientChannel } from 'ssh2';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { beginWindowsWith, ownWindow, packetSize } from '../internals.ts';
import { type RemoteListener, RemoteListens, type Take } from './remote-listens.ts';
import { openChannel, type Opening } from './open-channel.ts';
import { firstWindow, ReceiveWindow, windowBudget } from './receive-window.ts';

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
  readonly #windows = windowBudget();
  readonly #listens: RemoteListens;

  /** `breach`: the server broke the protocol. */
  constructor(client: Client, opening: Omit<Opening, 'opened'>, breach: (what: string) => void) {
    this.#client = client;
    this.#opening = opening;
    this.#breach = breach;
    beginWindowsWith(client, firstWindow);
    this.#listens = new RemoteListens(client, { ...opening, opened: (channel) => this.#own(channel) });
  }

  /** As `Link.dial`. */
  dial(target: Endpoint, from: Originator, signal?: AbortSignal): Promise<Channel> {
    const opening = { ...this.#opening, opened: (channel: Channel) => this.#own(channel) };
    const open = (done: (error: Error | undefined, channel: Channel) => void) => {
      if (target.kind === 'unix') this.#client.openssh_forwardOutStreamLocal(target.path, done);
      else this.#client.forwardOut(from.address, from.port, target.host, target.port, done);
    };
    return openChannel(opening, formatEndpoint(target), open, signal);
  }

  /** As `Link.listen`. */
  listen(endpoint: Endpoint, take: Take): Promise<RemoteListener> {
    return this.#listens.listen(endpoint, take);
  }

  /** Whether a channel of this type may come from the server: somebody has asked it to listen. */
  expects(type: string): boolean {
    return this.#listens.expects(type);
  }

  /** As `Link.exec`. */
  async exec(command: string): Promise<Channel> {
    const opening = { ...this.#opening, opened: () => undefined };
    try {
      return await openChannel(opening, 'a command', (done) => {
        this.#client.exec(command, done);
      });
    } catch (error) {
      const fault = Fault.from(error);
      if (this.#opening.fault() !== null || fault.code === 'OPEN_TIMEOUT') throw fault;
      const text = `${this.#opening.where} runs no commands for this user; look at MaxSessions, and at the key's options there`;
      throw new Fault('REMOTE_REFUSED', text, { cause: error });
    }
  }

  #own(channel: Channel): void {
    const window = new ReceiveWindow(this.#windows);
    channel.once('close', () => window.release());
    const grant = (left: number, unread: number) => window.grant(left, unread, performance.now());
    ownWindow(this.#client, channel, firstWindow, grant);
    if (packetSize(channel) < leastPacket) this.#breach(`takes packets of ${packetSize(channel)} bytes only`);
  }
}
