import type { RelayConfig } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import type { ClientConnection } from '../../model/plugin.ts';
import type { Guests } from '../../plugin/guests.ts';
import type { LaneVitals, RemotePorts, ToSupervisor } from '../../protocol.ts';
import type { Link } from '../../ssh/link/link.ts';
import { spareOfRelay, windowBudget } from '../../ssh/link/receive-window.ts';
import type { Backed } from '../backing/backing.ts';
import { Inspections } from '../backing/inspections.ts';
import type { LaneVoice } from './lane-voice.ts';
import { loopsOf } from '../clients/loops.ts';
import { readyForwards } from '../clients/ready-forward.ts';
import { RemoteListeners } from '../clients/remote-listeners.ts';
import { ServedClients } from '../clients/served-clients.ts';
import { TargetWatches } from '../backing/target-watches.ts';

/** What a lane hears of what its link is used for. */
export interface ServiceNews {
  /** Nothing listens where the backend should be, or somebody else does (BACKEND_FOREIGN). Said each time that it is so. */
  unbacked(fault: Fault): void;
  /** The server forbids every forward, and nobody is served: only a new link can tell when that changes. */
  forbidden(fault: Fault): void;
  /** A client of this link has gone. */
  left(link: Link | null): void;
}

/** How it stands with a lane, for those whom it serves. */
export interface Serving {
  /** The link that is up; null: none is. */
  readonly link: Link | null;
  /** Whether that answers: only then new clients go over it. */
  readonly answers: boolean;
  /** What was brought over it last; null: nothing yet. */
  readonly backed: Backed | null;
  /** Numbers of the forwards that wait for it, over which nobody is led; null: as before. */
  readonly waiting: readonly number[] | null;
  /** Whether the `remote` forwards of the relay are this lane's, and somebody new may come there. */
  readonly listens: boolean;
}

const nothing: Serving = { link: null, answers: false, backed: null, waiting: [], listens: false };

/** What a lane does with its link: it serves clients, watches their targets, and has the plugins look at the host. */
export class LaneService {
  readonly #relay: RelayConfig;
  /** Where the forwards lead as long as nothing was brought. */
  readonly #plain: Backed;
  readonly #remote: RemoteListeners;
  readonly #clients: ServedClients;
  readonly #watches: TargetWatches;
  readonly #inspections: Inspections;
  #serving = nothing;
  #waiting: ReadonlySet<number> = new Set();
  /** The link over which the host is looked at. */
  #inspected: Link | null = null;
  #useful = true;

  constructor(
    relay: RelayConfig,
    guests: Guests,
    say: (message: ToSupervisor) => Promise<void>,
    voice: LaneVoice,
    news: ServiceNews,
  ) {
    this.#relay = relay;
    const forwards = readyForwards(relay.forwards, null);
    this.#plain = { forwards, backend: null, token: null, ask: null, verify: null };
    this.#watches = new TargetWatches(guests, {
      judged: voice.judged,
      refused: (fault) => news.unbacked(fault),
      forbidden: (fault) => {
        if (this.#clients.open > 0 || this.#remote.counts.open > 0) return false;
        news.forbidden(fault);
        return true;
      },
    });
    this.#inspections = new Inspections(guests, voice.inspected);
    // Another lane of it may be in another process.
    const windows = windowBudget(spareOfRelay / relay.lanes);
    this.#clients = new ServedClients(guests, say, windows, {
      served: (forward, fault) => {
        this.#useful = true;
        this.#watches.served(forward, fault);
      },
      missed: () => {
        this.#useful = false;
      },
      left: news.left,
    });
    this.#remote = new RemoteListeners(relay, guests, this.#clients.traffic, windows, {
      ...voice.remote,
      bound: (forward, listen) => {
        voice.remote.bound(forward, listen);
        this.#watches.allow(forward);
      },
      failed: (forward, fault) => {
        voice.remote.failed(forward, fault);
        if (fault.code === 'FORWARDING_REFUSED') this.#watches.forbid(forward, fault);
        else this.#watches.allow(forward);
      },
      left: news.left,
    });
  }

  get idle(): boolean {
    return this.#clients.size === 0 && this.#remote.counts.open === 0;
  }

  /** Whether the last client got his channel, or an answer of his target's; true before the first one. */
  get useful(): boolean {
    return this.#useful;
  }

  get vitals(): LaneVitals {
    const { sent, received } = this.#clients.traffic;
    return { sent, received, rtt: this.#watches.rtt, arrived: this.#remote.counts };
  }

  /**
   * Does what follows from how it stands by now. Over another link everything is begun anew; who is joined over the one before stays with that,
   * until `stop`.
   */
  follow(now: Serving): void {
    const { link, backed, waiting, listens, answers } = now;
    const before = this.#serving;
    this.#serving = now;
    const other = link !== before.link;
    if (other) this.#leave();
    if (link === null || !answers) this.#clients.link = null;
    if (link === null) return;
    const waits = waiting !== null && !hasAll(this.#waiting, waiting);
    if (waits) this.#waiting = new Set(waiting);
    if (other || waits || backed !== before.backed) {
      const leads = backed ?? this.#plain;
      this.#clients.lead(leads.forwards, this.#waiting);
      this.#watches.follow(link, leads, this.#waiting);
    }
    if (other) link.onNamed((machine) => this.#bar(link, machine));
    if (answers) this.#clients.link = link;
    if (listens) this.#remote.begin(link);
    else this.#remote.stop();
    // Not while a backend is first brought: a host may allow few sessions at once, and a look is in no hurry.
    if (backed !== null) this.#inspect(link);
  }

  /** A first try to bring over the link what it is to lead to has failed, by this fault. */
  stumbled(link: Link, fault: Fault): void {
    this.#inspect(link);
    if (fault.code === 'FORWARDING_REFUSED') for (const forward of this.#waiting) this.#watches.forbid(forward, fault);
  }

  /** Serves a client over the link; where none answers it goes back to the supervisor, unread. */
  take(id: number, client: ClientConnection, patience: number, handle: unknown): void {
    this.#clients.take(id, client, patience, handle);
  }

  /** Ends what is left here of a client that the supervisor gave up. */
  cut(id: number): void {
    this.#clients.cut(id);
  }

  /** Who is not joined with a target yet goes back: the link does not answer. */
  yield(): void {
    this.#clients.yield();
  }

  /** Whether anybody is joined over this link. */
  uses(link: Link): boolean {
    return this.#clients.uses(link) || this.#remote.uses(link);
  }

  /** How many of them a loss of it cuts: who has no channel yet goes back. */
  joined(link: Link): number {
    return this.#clients.joined(link) + this.#remote.joined(link);
  }

  /** What the config says by now: so many clients of the other side may be open at once. */
  limit(connections: number): void {
    this.#remote.limit(connections);
  }

  /** Where the host is to choose a port for a `remote` forward, it is asked for this one first. */
  prefer(ports: RemotePorts): void {
    this.#remote.prefer(ports);
  }

  /** The link is given up, or was lost; null: every link is given up. Who is joined over another one goes on. */
  stop(link: Link | null): void {
    this.follow(nothing);
    this.#remote.cut(link);
    const text = 'the relay was stopped before the connection ended; nothing to do';
    this.#clients.abandon(link, link?.fault ?? new Fault('LINK_LOST', text));
  }

  /** Nobody is left to reset the clients but this process: at once, for it ends. */
  forsake(): void {
    this.#remote.cut(null);
    this.#clients.forsake();
  }

  #bar(link: Link, machine: string): void {
    if (this.#serving.link !== link) return;
    const loops = loopsOf(link, machine, this.#relay);
    if (loops.size === 0) return;
    this.#watches.bar(loops);
    this.#clients.bar(loops);
  }

  #leave(): void {
    this.#clients.bar(new Map());
    this.#watches.stop();
    this.#remote.stop();
    this.#inspections.stop();
    this.#inspected = null;
  }

  #inspect(link: Link): void {
    if (this.#inspected === link) return;
    this.#inspected = link;
    this.#inspections.begin(link);
  }
}

function hasAll(set: ReadonlySet<number>, list: readonly number[]): boolean {
  return set.size === list.length && list.every((one) => set.has(one));
}
