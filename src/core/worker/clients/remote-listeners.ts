import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RelayConfig, RemoteForward } from '../../model/config.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { ClientConnection } from '../../model/plugin.ts';
import type { Guests } from '../../plugin/guests.ts';
import type { ArrivedCounts, RemotePorts } from '../../protocol.ts';
import type { Incoming, Link } from '../../ssh/link/link.ts';
import type { WindowBudget } from '../../ssh/link/receive-window.ts';
import { remoteHost } from '../../ssh/link/remote-host.ts';
import { dialHere } from '../../socket/dial-here.ts';
import { abort } from '../../socket/raw-handle.ts';
import { explainRefusal } from './remote-refusal.ts';
import { told } from './replaced-link.ts';
import { splice, type Traffic } from './splice.ts';

/** A listener that the host refuses is asked for again so often, ms: as one of this machine. */
const retry = 2_000;
/** The policy of a server is fixed when a session begins (sshd); it is asked again in case it is not. ms */
const policyRetry = 60_000;

/** What is heard of the listeners on the other side. */
export interface RemoteNews {
  bound(forward: number, listen: Endpoint): void;
  /** It is tried again; said when the reason is a new one. */
  failed(forward: number, fault: Fault): void;
  /** A client of the other side was not served. */
  refused(forward: number, fault: Fault): void;
  /** A client of this link has gone; `counts` says how many are left. */
  left(link: Link): void;
}

/** The `remote` forwards of one lane: has the host listen over one link after the other, and joins what comes there with this machine. */
export class RemoteListeners {
  readonly #relay: RelayConfig;
  readonly #guests: Guests;
  readonly #traffic: Traffic;
  readonly #windows: WindowBudget;
  readonly #news: RemoteNews;
  /** The port that a server chose for a forward: it is asked for again, so that it moves only when it must. */
  readonly #chosen = new Map<number, Endpoint>();
  readonly #open = new Map<AbortController, Link>();
  #round: AbortController | null = null;
  #accepted = 0;
  #most: number;

  constructor(relay: RelayConfig, guests: Guests, traffic: Traffic, windows: WindowBudget, news: RemoteNews) {
    this.#relay = relay;
    this.#most = relay.connections;
    this.#guests = guests;
    this.#traffic = traffic;
    this.#windows = windows;
    this.#news = news;
  }

  get counts(): ArrivedCounts {
    return { open: this.#open.size, accepted: this.#accepted };
  }

  /** So many may be open at once from now on; who is there stays. */
  limit(connections: number): void {
    this.#most = connections;
  }

  /** Where the server is to choose a port, it is asked for this one first: it chose that before, perhaps over a link of another lane. */
  prefer(ports: RemotePorts): void {
    for (const [index, { listen }] of this.#relay.forwards.entries()) {
      const port = ports[index];
      if (port !== undefined && listen.kind === 'tcp' && listen.port === 0)
        this.#chosen.set(index, { ...listen, port });
    }
  }

  /** Listens over this link, for as long as it lives; beginning twice is harmless. */
  begin(link: Link): void {
    if (this.#round !== null) return;
    const round = new AbortController();
    this.#round = round;
    const forget = link.onLost(() => round.abort());
    round.signal.addEventListener('abort', forget);
    for (const [index, forward] of this.#relay.forwards.entries()) {
      if (forward.kind === 'remote') void this.#listen(link, forward, index, round.signal);
    }
  }

  /** The host listens no longer; what it accepted lives on. */
  stop(): void {
    this.#round?.abort();
    this.#round = null;
  }

  /** Whether anybody who came over this link is still there. */
  uses(link: Link): boolean {
    return this.joined(link) > 0;
  }

  joined(link: Link): number {
    return [...this.#open.values()].filter((over) => over === link).length;
  }

  /** Ends what is open over a link that is given up, or over every one (null). */
  cut(link: Link | null): void {
    for (const [one, over] of this.#open) if (link === null || over === link) one.abort();
  }

  async #listen(link: Link, forward: RemoteForward, index: number, signal: AbortSignal): Promise<void> {
    let said: string | null = null;
    let refused = 0;
    let missed = 0;
    while (!signal.aborted) {
      const listen = this.#chosen.get(index) ?? forward.listen;
      let wait = retry;
      try {
        const take = (incoming: Incoming, there: Endpoint) => {
          // It is given up by now, and about to be closed.
          if (signal.aborted) incoming.refuse();
          else void this.#take(link, forward, index, there, incoming);
        };
        const listener = await link.listen(listen, take, this.#windows);
        if (signal.aborted) return listener.close();
        this.#chosen.set(index, listener.listen);
        signal.addEventListener('abort', () => listener.close());
        return this.#news.bound(index, listener.listen);
      } catch (error) {
        if (signal.aborted) return;
        const fault = await explainRefusal(remoteHost(link), link.facts.remote, listen, Fault.from(error));
        if (signal.aborted) return;
        refused = fault.code === 'FORWARDING_REFUSED' ? refused + 1 : 0;
        // It may have been taken and come free before the look, as by the session of a link that was just replaced: once is no policy.
        if (refused === 1) continue;
        if (fault.message !== said) this.#news.failed(index, fault);
        said = fault.message;
        if (choosesPort(forward.listen) && listen !== forward.listen) {
          // The session of a lost link, or of another lane's, may have it for one more moment. After that any other port does as well.
          missed += 1;
          if (missed > 1 || refused > 0) this.#chosen.delete(index);
          if (missed > 1) wait = 0;
        }
        if (fault.code === 'FORWARDING_REFUSED') wait = policyRetry;
      }
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  async #take(link: Link, forward: RemoteForward, index: number, listen: Endpoint, incoming: Incoming): Promise<void> {
    const { name, deadlines } = this.#relay;
    this.#accepted += 1;
    const to = listen.kind === 'tcp' ? { address: listen.host, port: listen.port } : null;
    const client: ClientConnection = { relay: name, forward: index, from: incoming.from, to };
    const doom = new AbortController();
    let answered = false;
    let socket: Socket | null = null;
    const refuse = () => {
      if (!answered) incoming.refuse();
      answered = true;
    };
    // The link may live on for others: who has no target yet must not wait for what nobody does any more.
    doom.signal.addEventListener('abort', refuse);
    try {
      if (this.#open.size >= this.#most) {
        throw new Fault(
          'CONNECTIONS_FULL',
          `${this.#most} connections are open, more are refused; raise connections of ${name}`,
        );
      }
      this.#open.set(doom, link);
      const refused = this.#guests.gated ? await this.#guests.admit(client) : null;
      if (refused !== null) throw refused;
      if (doom.signal.aborted) return;
      const dialed = await dialHere(forward.target, deadlines.open);
      socket = dialed;
      // Its target must not take what came for the whole.
      doom.signal.addEventListener('abort', () => abort(dialed));
      if (doom.signal.aborted || link.fault !== null) return;
      const wrap = this.#guests.hasWrap ? (stream: Duplex) => this.#guests.wrap(stream, client) : null;
      const channel = incoming.accept();
      answered = true;
      const ending = await splice({ socket: dialed, channel, link, traffic: this.#traffic, wrap, client: 'there' });
      if (ending === null || doom.signal.aborted) return;
      const { cut, news } = told(ending, link);
      if (news) this.#news.refused(index, cut);
    } catch (error) {
      const fault = Fault.from(error);
      if (link.fault !== null || doom.signal.aborted) return;
      refuse();
      this.#news.refused(index, fault);
    } finally {
      // One that was joined has ended by now.
      if (socket !== null) abort(socket);
      this.#open.delete(doom);
      this.#news.left(link);
    }
  }
}

/** Whether its server is to choose a port. */
function choosesPort(listen: Endpoint): boolean {
  return listen.kind === 'tcp' && listen.port === 0;
}
