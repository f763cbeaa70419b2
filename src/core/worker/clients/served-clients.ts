import type { Socket } from 'node:net';
import { Fault } from '../../model/fault.ts';
import type { ClientConnection } from '../../model/plugin.ts';
import type { Guests } from '../../plugin/guests.ts';
import type { ToSupervisor } from '../../protocol.ts';
import { abort, socketFrom } from '../../socket/raw-handle.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { WindowBudget } from '../../ssh/link/receive-window.ts';
import { ClientWay } from './client-way.ts';
import type { ForwardKind } from '../forward/kind.ts';
import { LeadLink } from './lead-link.ts';
import { told } from './replaced-link.ts';
import type { Cut, Traffic, Wrap } from './splice.ts';
import { dynamicForward } from '../forward/dynamic.ts';
import { localForward } from '../forward/local.ts';
import type { ReadyForward } from './ready-forward.ts';

/** What the lane hears of its clients. */
export interface ClientNews {
  /** A client's dial of a forward's target went well (null), or not. */
  served(forward: number, fault: Fault | null): void;
  /** The link was lost before a client had his channel. */
  missed(): void;
  /** A client of this link has gone; `size` says how many clients are left. */
  left(link: Link | null): void;
}

interface Served {
  readonly forward: number;
  readonly socket: Socket;
  readonly way: ClientWay | null;
  /** It has its channel: its bytes are on the way. */
  open: boolean;
}

/** The clients of one lane: each is admitted, its channel opened, its bytes carried, and its ending told to the supervisor. */
export class ServedClients {
  #kinds: readonly (ForwardKind | null)[] = [];
  readonly #guests: Guests;
  readonly #say: (message: ToSupervisor) => Promise<void>;
  readonly #news: ClientNews;
  readonly #windows: WindowBudget;
  readonly #served = new Map<number, Served>();
  readonly #doomed = new Map<number, Fault>();
  #barred: ReadonlyMap<number, Fault> = new Map();
  readonly #lead = new LeadLink();
  #waiting: ReadonlySet<number> = new Set();
  /** All bytes since the lane began. */
  readonly traffic: Traffic = { sent: 0, received: 0 };

  /** `windows`: what bounds those of its channels. */
  constructor(guests: Guests, say: (message: ToSupervisor) => Promise<void>, windows: WindowBudget, news: ClientNews) {
    this.#guests = guests;
    this.#say = say;
    this.#news = news;
    this.#windows = windows;
  }

  /** Where the forwards lead from now on, null: nowhere; and which of them nobody is led over: their clients go back unread. */
  lead(forwards: readonly (ReadyForward | null)[], waiting: ReadonlySet<number>): void {
    this.#kinds = forwards.map((forward) => (forward === null ? null : kindOf(forward)));
    this.#waiting = waiting;
  }

  /** These forwards must not be used from now on, by these faults: who is there is cut, who comes is refused. */
  bar(forwards: ReadonlyMap<number, Fault>): void {
    this.#barred = forwards;
    for (const [id, { forward, socket }] of this.#served) {
      const fault = forwards.get(forward);
      if (fault === undefined) continue;
      this.#doomed.set(id, fault);
      socket.destroy();
    }
  }

  /** The link that whoever has no channel yet goes over from now on; null: none answers. */
  set link(link: Link | null) {
    this.#lead.link = link;
  }

  get size(): number {
    return this.#served.size;
  }

  /** How many have their channel: their bytes are on the way. */
  get open(): number {
    return [...this.#served.values()].filter(({ open }) => open).length;
  }

  /**
   * Serves a client over the link; without one it goes back to the supervisor, unread. `patience`: so long it waits for a link that answers where
   * it was read already, ms.
   */
  take(id: number, client: ClientConnection, patience: number, handle: unknown): void {
    const { link } = this.#lead;
    const socket = socketFrom(handle, this.#guests.hasWrap);
    // Before anything is awaited: a client may reset at any moment.
    socket.on('error', () => undefined);
    const news = {
      // One that is not `open` yet is told of when it is: its backend may have gone while it was dialed.
      answered: () => served.open && this.#news.served(client.forward, null),
      left: (over: Link) => {
        if (over.fault !== null) this.#news.missed();
        this.#news.left(over);
      },
    };
    const way = link === null ? null : new ClientWay(link, this.#lead, patience, socket, news);
    const served: Served = { forward: client.forward, socket, way, open: false };
    this.#served.set(id, served);
    void this.#serve(id, client, served).finally(() => {
      socket.destroy();
      this.#served.delete(id);
      this.#doomed.delete(id);
      this.#news.left(way?.link ?? null);
    });
  }

  /** Whether anybody is served over this link. */
  uses(link: Link): boolean {
    return [...this.#served.values()].some(({ way }) => way?.over === link);
  }

  /** How many have their channel over this link. */
  joined(link: Link): number {
    return [...this.#served.values()].filter(({ open, way }) => open && way?.over === link).length;
  }

  /** Who has no channel yet goes back to the supervisor, unread: the link does not answer. */
  yield(): void {
    for (const { way } of this.#served.values()) way?.leave();
  }

  /**
   * The link is given up, or was lost; null: every one is given up on purpose. What is still open is cut, and its client must see that. Who has no
   * channel yet is not cut with a link: it goes back to the supervisor, or where it was read already waits for the next one here.
   */
  abandon(link: Link | null, fault: Fault): void {
    for (const [id, { way, socket }] of this.#served) {
      if (link !== null && way?.over !== link) continue;
      way?.leave();
      if (link !== null && way?.joined === false) continue;
      this.#doomed.set(id, fault);
      socket.destroy();
    }
  }

  /** The supervisor gave this client up, and has forgotten it: what is said of it from now on meets nobody. */
  cut(id: number): void {
    const one = this.#served.get(id);
    if (one === undefined) return;
    abort(one.socket);
    // Its channel need not be opened any more.
    one.way?.leave();
  }

  /** Resets every client here and now: the supervisor, which has the last copy otherwise, is gone. */
  forsake(): void {
    for (const { socket } of this.#served.values()) abort(socket);
  }

  async #serve(id: number, client: ClientConnection, served: Served): Promise<void> {
    const { socket, way } = served;
    if (way === null) return this.#return(id, socket);
    const barred = this.#barred.get(client.forward);
    if (barred !== undefined) return this.#reset(id, socket, { cut: barred, news: true });
    const refused = this.#guests.gated ? await this.#guests.admit(client) : null;
    if (refused !== null) return this.#reset(id, socket, { cut: refused, news: true });
    const away = () => this.#waiting.has(client.forward);
    if (away() || way.yielded.aborted) return this.#return(id, socket);
    try {
      const kind = this.#kinds[client.forward];
      if (kind === undefined || kind === null) {
        const text = `forward ${client.forward} of ${client.relay} leads to a backend that nobody launched; see its plugins`;
        throw new Fault('LAUNCH_FAILED', text);
      }
      const wrap: Wrap | null = this.#guests.hasWrap ? (stream) => this.#guests.wrap(stream, client) : null;
      const ending = await kind.serve(
        socket,
        client,
        way,
        this.traffic,
        this.#windows,
        async () => {
          if (away()) throw new Fault('TARGET_REFUSED', 'its backend went while it was dialed; nothing to do');
          await this.#say({ say: 'opened', id });
          served.open = true;
          if (way.joined) this.#news.served(client.forward, null);
        },
        wrap,
      );
      const doomed = this.#doomed.get(id);
      if (doomed !== undefined && (ending === null || 'cut' in ending)) {
        return this.#reset(id, socket, { cut: doomed, news: false });
      }
      if (ending !== null && 'cut' in ending) return this.#reset(id, socket, told(ending, way.link));
      void this.#say({ say: 'closed', id, told: ending === null ? null : ending.told.report() });
    } catch (error) {
      const fault = Fault.from(error);
      if (!served.open && way.link.fault !== null) this.#news.missed();
      if (!served.open && (way.link.fault !== null || way.yielded.aborted)) return this.#return(id, socket);
      if (!served.open) this.#news.served(client.forward, fault);
      // It is being brought again, by this very news perhaps.
      if (!served.open && away()) return this.#return(id, socket);
      this.#reset(id, socket, { cut: fault, news: true });
    }
  }

  /** The own copy is closed first: with it open, the supervisor's would not be the last one. */
  #return(id: number, socket: Socket): void {
    socket.destroy();
    void this.#say({ say: 'returned', id });
  }

  #reset(id: number, socket: Socket, { cut, news }: Cut): void {
    socket.destroy();
    void this.#say({ say: 'reset', id, fault: cut.report(), news });
  }
}

function kindOf(forward: ReadyForward): ForwardKind | null {
  switch (forward.kind) {
    case 'local':
      return localForward(forward.target);
    case 'dynamic':
      return dynamicForward;
    case 'remote':
      // Its clients are on the other side.
      return null;
  }
}
