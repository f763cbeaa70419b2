import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection } from '../model/plugin.ts';
import { Secret } from '../model/secret.ts';
import type { LaneState, Stage } from '../model/state.ts';
import { type LaneEffect, type LaneInput, step } from '../model/step.ts';
import { Guests } from '../plugin/guests.ts';
import type { Told } from '../plugin/seat.ts';
import { localMutex } from '../plugin/mutex.ts';
import type { LaneId, LaneVitals, ToSupervisor, ToWorker } from '../protocol.ts';
import { Backing, backedMessage } from './backing.ts';
import { monotonic, toWallClock } from './clock.ts';
import { Dialer } from './dialer.ts';
import { watchFiles } from './file-watch.ts';
import { Inspections } from './inspections.ts';
import { LaneLink } from './lane-link.ts';
import type { Links } from './links.ts';
import type { MutexRequests } from './mutex-requests.ts';
import type { PermitRequests } from './permit-requests.ts';
import type { QuestionRequests } from './question-requests.ts';
import { RemoteListeners } from './remote-listeners.ts';
import { Seating } from './seating.ts';
import { ServedClients } from './served-clients.ts';
import { TargetWatches } from './target-watches.ts';
import { Withheld } from './withheld.ts';

type Open = Extract<ToWorker, { say: 'open' }>;

/** What a lane needs of its process. `say` resolves when the message is with the supervisor's kernel. */
export interface LanePorts {
  readonly say: (message: ToSupervisor) => Promise<void>;
  readonly links: Links;
  readonly permits: PermitRequests;
  readonly questions: QuestionRequests;
  readonly mutexes: MutexRequests;
  /** Called once, when the lane has ended. */
  readonly ended: (lane: LaneId) => void;
}

/** One link of a relay with its channels: performs what `step` decides, assigns the state and announces it. */
export class Lane {
  readonly #open: Open;
  readonly #ports: LanePorts;
  readonly #guests: Guests;
  readonly #clients: ServedClients;
  readonly #watches: TargetWatches;
  readonly #inspections: Inspections;
  readonly #remote: RemoteListeners;
  readonly #dialer: Dialer;
  readonly #backing: Backing;
  readonly #link: LaneLink;
  readonly #noted = new Set<string>();
  #state: LaneState = { at: 'idle' };
  /** The `remote` forwards of the relay are this lane's. */
  #appointed = false;
  /** The user asked for the next attempt. */
  #asked = false;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: () => void = () => undefined;

  constructor(open: Open, ports: LanePorts) {
    this.#open = open;
    this.#ports = ports;
    const { lane, relay, token } = open;
    const lose = (fault: Fault) => this.input({ type: 'lost', fault: fault.report() });
    const failed: Told = (plugin, fault, fatal) => {
      void ports.say({ say: 'plugin-failed', lane, plugin, fault: fault.report() });
      if (fatal) lose(fault);
    };
    this.#guests = new Guests(failed, relay.lanes === 1 ? localMutex() : ports.mutexes.of(lane));
    const seating = new Seating(open, this.#guests, ports.say);
    this.#watches = new TargetWatches(this.#guests, {
      judged: (forward, judgement, fault, rtt) =>
        void ports.say({ say: 'judged', lane, forward, judgement, fault: fault?.report() ?? null, rtt }),
      refused: () => {
        if (this.#backing.mayRetry(monotonic())) this.input({ type: 'unbacked' });
      },
      forbidden: (fault) => {
        if (this.#clients.open > 0) return false;
        lose(fault);
        return true;
      },
    });
    this.#inspections = new Inspections(
      this.#guests,
      (plugin, notes) => void ports.say({ say: 'inspected', lane, plugin, notes }),
    );
    this.#clients = new ServedClients(this.#guests, ports.say, {
      served: (forward, fault) => this.#watches.served(forward, fault),
      emptied: () => this.#emptied(),
    });
    this.#remote = new RemoteListeners(relay, this.#guests, this.#clients.traffic, {
      bound: (forward, listen) => void ports.say({ say: 'bound', lane, forward, listen }),
      failed: (forward, fault) => {
        void ports.say({ say: 'unbound', lane, forward, fault: fault.report() });
        if (fault.code === 'FORWARDING_REFUSED') this.#watches.forbid(forward, fault);
      },
      refused: (forward, fault) => void ports.say({ say: 'refused', lane, forward, fault: fault.report() }),
      emptied: () => this.#emptied(),
    });
    const note = (text: string) => this.#tell('warned', text);
    const stage = (now: Stage, how: string | null) => void ports.say({ say: 'stage', lane, stage: now, note: how });
    this.#backing = new Backing(relay, token === null ? null : new Secret(token), this.#guests, {
      stage,
      warn: note,
      learned: (backend, learned) => void ports.say(backedMessage(lane, backend, learned)),
    });
    this.#dialer = new Dialer(open, {
      links: ports.links,
      permits: ports.permits,
      questions: ports.questions,
      seat: () => seating.seat(),
      guests: this.#guests,
      stage: (now) => stage(now, null),
      note,
      inform: (text) => this.#tell('noted', text),
    });
    this.#link = new LaneLink(this.#dialer, this.#backing, {
      linked: (link, backed) => {
        void ports.say({ say: 'link', lane, link: link.facts });
        this.#clients.forwards = backed.forwards;
        this.input({ type: 'linked' });
        link.onNamed((machine) => void ports.say({ say: 'machine', lane, machine }));
        if (this.#state.at !== 'up') return;
        this.#watches.begin(link, backed);
        this.#inspections.begin(link);
        if (this.#appointed) this.#remote.begin(link);
      },
      failed: (error) => {
        this.#closeLink();
        if (error instanceof Withheld) {
          this.input({ type: 'withheld', fault: error.fault, until: monotonic() + error.wait });
        } else this.input({ type: 'failed', fault: Fault.from(error).report() });
      },
      lost: lose,
    });
  }

  /** Decides, assigns, announces, performs. The only place where a lane's state changes. */
  input(input: LaneInput): void {
    const { settle, drain } = this.#open.relay;
    if ((input.type === 'start' && input.forced) || (input.type === 'nudge' && input.why === 'user'))
      this.#asked = true;
    const before = this.#state;
    const next = step(before, input, monotonic(), { settle, drain, random: this.#dialer.jitter });
    this.#state = next.state;
    if (next.state.at !== 'blocked') this.#unwatch();
    if (next.state !== before) {
      void this.#ports.say({ say: 'state', lane: this.#open.lane, state: toWallClock(next.state) });
    }
    for (const effect of next.effects) this.#perform(effect);
    if (next.state.at === 'ended' && before.at !== 'ended') {
      this.#guests.dismiss();
      this.#ports.ended(this.#open.lane);
    }
  }

  /** A client's socket has arrived. Without a link it goes back unread. */
  connect(id: number, client: ClientConnection, handle: unknown): void {
    const link = this.#state.at === 'up' ? this.#link.link : null;
    this.#clients.take(id, client, handle, link);
  }

  /** The machine slept, or the network changed: is the link still there, and may an attempt be hurried? */
  wake(): void {
    this.#link.link?.check();
    this.input({ type: 'nudge', why: 'wake' });
  }

  /** What changes too often to be an event. */
  get vitals(): LaneVitals {
    const { sent, received } = this.#clients.traffic;
    return { sent, received, rtt: this.#watches.rtt, arrived: this.#remote.counts };
  }

  /** A person set another token, or took it away: it counts from the next proof on, which is made at once. */
  token(text: string | null): void {
    this.#backing.given = text === null ? null : new Secret(text);
    this.input(this.#state.at === 'up' ? { type: 'unbacked' } : { type: 'nudge', why: 'files' });
  }

  /** The `remote` forwards of the relay are this lane's from now on, or another's. */
  appoint(on: boolean): void {
    this.#appointed = on;
    const { link } = this.#link;
    if (!on) this.#remote.stop();
    else if (this.#state.at === 'up' && link !== null) this.#remote.begin(link);
  }

  observe(event: Event): void {
    this.#guests.observe(event);
  }

  /** Said once, not at each attempt; a ProxyCommand may say something else each time. */
  #tell(say: 'warned' | 'noted', text: string): void {
    if (this.#noted.has(text) || this.#noted.size > 1_000) return;
    this.#noted.add(text);
    void this.#ports.say({ say, lane: this.#open.lane, text });
  }

  #perform(effect: LaneEffect): void {
    switch (effect.do) {
      case 'dial':
        this.#link.dial(effect.forced, this.#asked);
        this.#asked = false;
        break;
      case 'back':
        this.#watches.stop();
        this.#link.back();
        break;
      case 'cancel-dial':
      case 'close-link':
        this.#closeLink();
        break;
      case 'arm':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.input({ type: 'timer' }), Math.max(0, effect.at - monotonic()));
        break;
      case 'disarm':
        clearTimeout(this.#timer);
        break;
      case 'watch-files':
        this.#unwatch();
        this.#unwatch = watchFiles(this.#dialer.stamps, () => this.input({ type: 'nudge', why: 'files' }));
        break;
      case 'drain':
        this.#remote.stop();
        queueMicrotask(() => this.#emptied());
        break;
    }
  }

  /** Nobody is left to wait for. */
  #emptied(): void {
    if (this.#state.at !== 'draining' || this.#clients.size > 0 || this.#remote.counts.open > 0) return;
    this.input({ type: 'stop' });
  }

  #closeLink(): void {
    this.#watches.stop();
    this.#inspections.stop();
    this.#remote.stop();
    this.#remote.cut();
    this.#clients.abandon(new Fault('LINK_LOST', 'the relay was stopped before the connection ended; nothing to do'));
    this.#link.close();
  }
}
