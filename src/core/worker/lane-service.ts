import { leadsToBackend } from '../model/backend.ts';
import type { ForwardConfig, RelayConfig } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection } from '../model/plugin.ts';
import type { Guests } from '../plugin/guests.ts';
import type { LaneVitals, ToSupervisor } from '../protocol.ts';
import type { Link } from '../ssh/link/link.ts';
import { spareOfRelay, windowBudget } from '../ssh/link/receive-window.ts';
import type { Backed } from './backing.ts';
import { Inspections } from './inspections.ts';
import type { LaneVoice } from './lane-voice.ts';
import { readyForwards } from './ready-forward.ts';
import { RemoteListeners } from './remote-listeners.ts';
import { ServedClients } from './served-clients.ts';
import { TargetWatches } from './target-watches.ts';

/** What a lane hears of what its link is used for. */
export interface ServiceNews {
  /** Nothing listens where the backend should be. Said each time that it is so. */
  unbacked(): void;
  /** The server forbids every forward, and nobody is served: only a new link can tell when that changes. */
  forbidden(fault: Fault): void;
  /** A client of this link has gone. */
  left(link: Link | null): void;
}

/** A backend that did not come. */
const without = { backend: null, token: null, ask: null, verify: null };

/** What a lane does with a link that is up: it serves clients, watches their targets, and has the plugins look at the host. */
export class LaneService {
  readonly #forwards: readonly ForwardConfig[];
  readonly #remote: RemoteListeners;
  readonly #clients: ServedClients;
  readonly #watches: TargetWatches;
  readonly #inspections: Inspections;
  /** The link over which the host is looked at. */
  #inspected: Link | null = null;
  /** The forwards that lead to the backend, as it was last brought. */
  #led: ReadonlySet<number> = new Set();
  /** The `remote` forwards of the relay are this lane's. */
  #appointed = false;

  constructor(
    relay: RelayConfig,
    guests: Guests,
    say: (message: ToSupervisor) => Promise<void>,
    voice: LaneVoice,
    news: ServiceNews,
  ) {
    this.#forwards = relay.forwards;
    this.#watches = new TargetWatches(guests, {
      judged: voice.judged,
      refused: () => news.unbacked(),
      forbidden: (fault) => {
        if (this.#clients.open > 0) return false;
        news.forbidden(fault);
        return true;
      },
    });
    this.#inspections = new Inspections(guests, voice.inspected);
    // Another lane of it may be in another process.
    const windows = windowBudget(spareOfRelay / relay.lanes);
    this.#clients = new ServedClients(guests, say, relay.deadlines.open, windows, {
      served: (forward, fault) => this.#watches.served(forward, fault),
      left: news.left,
    });
    this.#remote = new RemoteListeners(relay, guests, this.#clients.traffic, windows, {
      ...voice.remote,
      failed: (forward, fault) => {
        voice.remote.failed(forward, fault);
        if (fault.code === 'FORWARDING_REFUSED') this.#watches.forbid(forward, fault);
      },
      left: news.left,
    });
  }

  get idle(): boolean {
    return this.#clients.size === 0 && this.#remote.counts.open === 0;
  }

  get vitals(): LaneVitals {
    const { sent, received } = this.#clients.traffic;
    return { sent, received, rtt: this.#watches.rtt, arrived: this.#remote.counts };
  }

  /** Where the forwards lead from now on. */
  lead({ forwards, backend }: Backed): void {
    const where = backend?.target ?? null;
    this.#led = new Set(this.#forwards.flatMap((forward, at) => (leadsToBackend(forward, where) ? [at] : [])));
    this.#clients.forwards = forwards;
  }

  /** The link that new clients go over; null: none answers. */
  set link(link: Link | null) {
    this.#clients.lead = link;
  }

  /** The backend has not come yet: nobody is led over these forwards, over all others as the config says. */
  keep(forwards: readonly number[]): void {
    this.#led = new Set(forwards);
    this.#clients.forwards = readyForwards(this.#forwards, null);
    this.#clients.withhold(this.#led);
  }

  /** The link is up, what it is to lead to is brought: what is not kept from it is watched, and bound there. */
  beginWithout(link: Link): void {
    this.#watches.begin(link, { forwards: readyForwards(this.#forwards, null), ...without }, this.#led);
    if (this.#appointed) this.#remote.begin(link);
  }

  /** A try to bring it has failed, by this fault: by now these forwards are kept. */
  stumble(link: Link, kept: readonly number[], fault: Fault): void {
    this.keep(kept);
    this.#watches.begin(link, { forwards: readyForwards(this.#forwards, null), ...without }, this.#led);
    this.#inspect(link);
    if (fault.code === 'FORWARDING_REFUSED') for (const forward of kept) this.#watches.forbid(forward, fault);
  }

  /** The link is up, with all that it leads to: its targets are watched, and the host is looked at. */
  begin(link: Link, backed: Backed): void {
    this.#watches.begin(link, backed);
    if (this.#appointed) this.#remote.begin(link);
    this.#inspect(link);
  }

  /** Not while a backend is first brought: a host may allow few sessions at once, and a look is in no hurry. */
  #inspect(link: Link): void {
    if (this.#inspected === link) return;
    this.#inspected = link;
    this.#inspections.begin(link);
  }

  /** A second link takes the place of the first, and what comes next is begun over it; who is joined over the first stays with that. */
  move(): void {
    this.#watches.stop();
    this.#remote.stop();
  }

  /** Who is not joined with a target yet goes back: the link does not answer. */
  yield(): void {
    this.#clients.yield();
  }

  /** Whether anybody is joined over this link. */
  uses(link: Link): boolean {
    return this.#clients.uses(link) || this.#remote.uses(link);
  }

  /** The `remote` forwards of the relay are this lane's from now on, or another's; `link` is null while none is up. */
  appoint(on: boolean, link: Link | null): void {
    this.#appointed = on;
    if (!on) this.#remote.stop();
    else if (link !== null) this.#remote.begin(link);
  }

  /** So many clients of the other side may be open at once from now on. */
  limit(connections: number): void {
    this.#remote.limit(connections);
  }

  /** Nobody new comes from the other side; `left` is said when who is there has gone. */
  drain(): void {
    this.#remote.stop();
  }

  /** The backend has gone: nobody is led there any more. What leads elsewhere goes on, and who is joined with it already. */
  pause(): void {
    this.#watches.pause(this.#led);
    this.#clients.withhold(this.#led);
  }

  /** The backend is there again. */
  resume(link: Link, backed: Backed): void {
    this.lead(backed);
    this.#watches.begin(link, backed);
    this.#inspect(link);
  }

  /** Serves a client over the link; without one it goes back to the supervisor, unread. */
  take(id: number, client: ClientConnection, handle: unknown, link: Link | null): void {
    this.#clients.take(id, client, handle, link);
  }

  /** The link is given up, or was lost; null: every link is given up. Who is joined over another one goes on. */
  stop(link: Link | null): void {
    this.#watches.stop();
    this.#inspections.stop();
    this.#inspected = null;
    this.#remote.stop();
    this.#remote.cut(link);
    const text = 'the relay was stopped before the connection ended; nothing to do';
    this.#clients.abandon(link, link?.fault ?? new Fault('LINK_LOST', text));
  }
}
