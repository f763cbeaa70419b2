import type { Client } from 'ssh2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Deadlines, detectTime, type Keepalive } from '../../model/config.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { LinkFacts } from '../../model/event.ts';
import { Fault } from '../../model/fault.ts';
import { type Carrier, Carriers } from './carriers.ts';
import { type Channel, Channels, type Originator } from './channels.ts';
import { type DoubtListener, Doubts } from './doubts.ts';
import { Echo } from './echo.ts';
import type { WindowBudget } from './receive-window.ts';
import { Outlet } from './outlet.ts';
import { Pace } from './pace.ts';
import { type Heeded, heedEnd } from './heed-end.ts';
import { endedWithoutEof } from '../internals.ts';
import { Once } from './once.ts';
import { policeServer } from './police-server.ts';
import { poolPadding } from './pooled-padding.ts';
import { Pulse } from './pulse.ts';
import { quicken } from './quicken.ts';
import type { Incoming, RemoteListener, Take } from './remote-listens.ts';
import { countUnasked } from './unasked-channels.ts';

export type { Channel, DoubtListener, Incoming, Originator, RemoteListener };

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

/** One authenticated SSH connection over a whole route. It lives until `close()`, or until it is lost. */
export class Link {
  readonly facts: LinkFacts;
  /** Through which all is written that is more than a word. */
  readonly outlet: Outlet;
  readonly #client: Client;
  readonly #socket: Carrier;
  readonly #where: string;
  /** How many it goes through on the way. */
  readonly #hops: number;
  readonly #carriers: Carriers;
  readonly #echo: Echo;
  readonly #pace: Pace;
  readonly #pulse: Pulse;
  readonly #channels: Channels;
  readonly #end = new Once<Fault>();
  readonly #doubts: Doubts;
  readonly #machine = new Once<string>();

  constructor(parts: LinkParts) {
    const { client, socket, where, keepalive } = parts;
    this.#client = client;
    this.#socket = socket;
    this.#where = where;
    this.facts = parts.facts;
    this.#hops = parts.channels.length;
    this.#carriers = new Carriers([socket, ...parts.channels]);
    poolPadding(client);
    const breach = (what: string) => {
      const text = `${where} broke the SSH protocol: it ${what}; check what runs there, then restart the relay`;
      this.#lose(new Fault('PROTOCOL_ERROR', text));
    };
    policeServer(client, () => this.#carriers.backlog, breach);
    this.#pace = new Pace(() => this.#echo.ping());
    this.#echo = new Echo(client, socket, () => this.#pace.asked());
    this.outlet = new Outlet(socket, this.#carriers, this.#pace);
    const detect = detectTime(keepalive);
    this.#doubts = new Doubts(where, detect);
    const { doubted, trusted } = this.#doubts;
    const silent = () =>
      this.#lose(new Fault('LINK_SILENT', `no answer from ${where} for ${detect / 1000} s; reconnecting`));
    this.#pulse = new Pulse(keepalive, { ping: () => this.#echo.ping(), doubted, trusted, silent });
    // Only what the last host sends is its life: a jump host may be well while the one behind it hangs.
    const nearest = parts.channels.at(-1) ?? socket;
    nearest.on('data', () => this.#pulse.beat());
    const opening = {
      where,
      deadline: parts.deadlines.open,
      pulse: this.#pulse,
      ping: (answered: () => void) => this.#echo.ping(answered),
      idle: () => this.#echo.idle,
      hesitation: () => this.#doubts.hesitation(this.#echo.took),
      suspect: () => {
        this.#pulse.suspect();
        return this.#doubts.heeded;
      },
      fault: () => this.fault,
      onLost: (listener: (fault: Fault) => void) => this.onLost(listener),
      lose: (fault: Fault) => this.#lose(fault),
    };
    this.#channels = new Channels(client, opening, this.#pace, breach);
    this.onLost(countUnasked(client, where, (type) => this.#channels.expects(type), parts.onNote));
    heedEnd(parts, (fault) => this.#lose(fault));
    if (parts.quicken) quicken(client, where, parts.onNote, (machine) => this.#machine.tell(machine));
  }

  /** What ended it; null while it lives. */
  get fault(): Fault | null {
    return this.#end.value;
  }

  /** Calls back once when the link is lost, before any channel is told; at once when it is lost already. Returns the unsubscribe. */
  onLost(listener: (fault: Fault) => void): () => void {
    return this.#end.listen(listener);
  }

  /** Calls back once when the host has said what it calls itself; never where it runs no commands, or is not to be quickened. */
  onNamed(listener: (machine: string) => void): void {
    this.#machine.listen(listener);
  }

  /** The address of this machine over which it goes; null where that is not known: a ProxyCommand has it. */
  get local(): string | null {
    return this.#socket instanceof Socket ? (this.#socket.localAddress ?? null) : null;
  }

  /** Whether its server was reached at the address that it goes from: at this machine, or at a container behind one of its ports. */
  get atHome(): boolean {
    if (this.#hops > 0 || !(this.#socket instanceof Socket)) return false;
    const { localAddress, remoteAddress } = this.#socket;
    return localAddress !== undefined && localAddress === remoteAddress;
  }

  /** Whether its life is in doubt. */
  get doubted(): boolean {
    return this.#pulse.doubtedSince !== null;
  }

  /** Tells when the link's life is in doubt, and when not any more; at once where it is. Returns the unsubscribe. */
  onDoubt(listener: DoubtListener): () => void {
    return this.#doubts.listen(listener, this.#pulse.doubtedSince);
  }

  /**
   * Opens a channel to a target as the remote host sees it. Rejects with FORWARDING_REFUSED, TARGET_REFUSED, OPEN_TIMEOUT, with the reason of
   * `signal`, or with what ended the link. When no byte comes from the server, the link's life is in doubt; where nobody heeds that, the link
   * is lost at the deadline. Its window grows by what `windows` has to give; without it, never.
   */
  dial(target: Endpoint, from: Originator, signal?: AbortSignal, windows?: WindowBudget): Promise<Channel> {
    return this.#channels.dial(target, from, signal, windows);
  }

  /**
   * Has the remote host listen, and gives each connection that comes there to `take`. Rejects with LISTEN_UNAVAILABLE, or with what ended the
   * link. An accepted one is a channel as `dial` opens it.
   */
  listen(endpoint: Endpoint, take: Take, windows?: WindowBudget): Promise<RemoteListener> {
    return this.#channels.listen(endpoint, take, windows);
  }

  /**
   * True when a channel that ended was closed by the server in the middle (ChannelTimeout, a killed session): what came may not be
   * the whole. Only OpenSSH is known to send EOF before each ordinary close; others close without it all the time.
   */
  wasCut(channel: Channel): boolean {
    return endedWithoutEof(channel) && this.facts.server.startsWith('SSH-2.0-OpenSSH');
  }

  /** Asks at once whether the server is still there. `woke`: this machine slept, and the silence so far is forgiven. */
  check(woke: boolean): void {
    if (woke) this.#pulse.wake();
    else this.#pulse.suspect();
  }

  /** How long a ping takes, ms. Rejects with what ended the link. */
  roundTrip(): Promise<number> {
    return this.#echo.roundTrip((listener) => this.onLost(listener));
  }

  /**
   * Starts a command on the host (RFC 4254 section 6.5). Its window is ssh2's own: it is read at once. Rejects with REMOTE_REFUSED, OPEN_TIMEOUT,
   * with the reason of `signal`, or with what ended the link.
   */
  exec(command: string, signal?: AbortSignal): Promise<Channel> {
    return this.#channels.exec(command, signal);
  }

  /** Ends the link on purpose. Closing twice is harmless. */
  close(): void {
    this.#lose(new Fault('LINK_LOST', `the link to ${this.#where} was closed; nothing to do`));
  }

  #lose(fault: Fault): void {
    if (this.#end.value !== null) return;
    this.#pulse.stop();
    this.#echo.stop();
    this.#pace.stop();
    this.#end.tell(fault);
    // end() alone never leads to 'close' on a silent peer.
    this.#client.end();
    this.#socket.destroy();
  }
}
