import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection, Dial } from '../model/plugin.ts';
import type { LaneState } from '../model/state.ts';
import { type LaneEffect, type LaneInput, step } from '../model/step.ts';
import { Guests } from '../plugin/guests.ts';
import { loadGuest } from '../plugin/load.ts';
import type { Told } from '../plugin/seat.ts';
import { alone } from '../plugin/turn.ts';
import type { LaneId, LaneVitals, ToSupervisor, ToWorker } from '../protocol.ts';
import { monotonic, toWallClock } from './clock.ts';
import { Dialer } from './dialer.ts';
import { watchFiles } from './file-watch.ts';
import type { Lease, Links } from './links.ts';
import type { PermitRequests } from './permit-requests.ts';
import type { QuestionRequests } from './question-requests.ts';
import { ServedClients } from './served-clients.ts';
import type { TargetWatch } from './target-watch.ts';
import { type TargetNews, watchTargets } from './target-watches.ts';
import type { TurnRequests } from './turn-requests.ts';
import { Withheld } from './withheld.ts';

type Open = Extract<ToWorker, { say: 'open' }>;

/** What a lane needs of its process. `say` resolves when the message is with the supervisor's kernel. */
export interface LanePorts {
  readonly say: (message: ToSupervisor) => Promise<void>;
  readonly links: Links;
  readonly permits: PermitRequests;
  readonly questions: QuestionRequests;
  readonly turns: TurnRequests;
  /** Called once, when the lane has ended. */
  readonly ended: (lane: LaneId) => void;
}

/** One link of a relay with its channels: performs what `step` decides, assigns the state and announces it. */
export class Lane {
  readonly #open: Open;
  readonly #ports: LanePorts;
  readonly #guests: Guests;
  readonly #clients: ServedClients;
  readonly #dialer: Dialer;
  readonly #noted = new Set<string>();
  #state: LaneState = { at: 'idle' };
  #seated: Promise<void> | null = null;
  #lease: Lease | null = null;
  #dialing: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: () => void = () => undefined;
  #watches: readonly TargetWatch[] = [];

  constructor(open: Open, ports: LanePorts) {
    this.#open = open;
    this.#ports = ports;
    const { lane, relay } = open;
    const failed: Told = (plugin, fault, fatal) => {
      void ports.say({ say: 'plugin-failed', lane, plugin, fault: fault.report() });
      if (fatal) this.input({ type: 'lost', fault: fault.report() });
    };
    this.#guests = new Guests(failed, relay.lanes === 1 ? alone() : ports.turns.of(lane));
    this.#clients = new ServedClients(relay.forwards, this.#guests, ports.say, {
      served: (forward, fault) => this.#watches[forward]?.served(fault),
      emptied: () => {
        if (this.#state.at === 'draining') this.input({ type: 'stop' });
      },
    });
    this.#dialer = new Dialer(open, {
      links: ports.links,
      permits: ports.permits,
      questions: ports.questions,
      seat: () => this.#seat(),
      guests: this.#guests,
      stage: (stage) => void ports.say({ say: 'stage', lane, stage }),
      note: (text) => {
        // Said once, not at each attempt; a ProxyCommand may say something else each time.
        if (this.#noted.has(text) || this.#noted.size > 1_000) return;
        this.#noted.add(text);
        void ports.say({ say: 'warned', lane, text });
      },
    });
  }

  /** Decides, assigns, announces, performs. The only place where a lane's state changes. */
  input(input: LaneInput): void {
    const { settle, drain } = this.#open.relay;
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
    const link = this.#state.at === 'up' ? (this.#lease?.link ?? null) : null;
    this.#clients.take(id, client, handle, link);
  }

  /** The machine slept, or the network changed: is the link still there, and may an attempt be hurried? */
  wake(): void {
    this.#lease?.link.check();
    this.input({ type: 'nudge', why: 'wake' });
  }

  /** What changes too often to be an event. */
  get vitals(): LaneVitals {
    const { sent, received } = this.#clients.traffic;
    return { sent, received, rtt: this.#watches.map((watch) => watch.rtt) };
  }

  observe(event: Event): void {
    this.#guests.observe(event);
  }

  #perform(effect: LaneEffect): void {
    switch (effect.do) {
      case 'dial':
        void this.#dial(effect.forced);
        break;
      case 'cancel-dial':
        this.#dialing?.abort(new Fault('LINK_LOST', 'the attempt was given up; nothing to do'));
        break;
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
        if (this.#clients.size === 0) queueMicrotask(() => this.input({ type: 'stop' }));
        break;
    }
  }

  async #dial(forced: boolean): Promise<void> {
    const controller = new AbortController();
    this.#dialing = controller;
    try {
      const lease = await this.#dialer.dial(forced, controller.signal);
      this.#dialing = null;
      if (controller.signal.aborted) return lease.release();
      this.#lease = lease;
      void this.#ports.say({ say: 'link', lane: this.#open.lane, link: lease.link.facts });
      this.input({ type: 'linked' });
      // Lost in the same breath: onLost calls back at once.
      lease.link.onLost((fault) => {
        if (this.#lease === lease) this.input({ type: 'lost', fault: fault.report() });
      });
      if (this.#lease === lease) this.#watch(lease);
    } catch (error) {
      this.#dialing = null;
      if (controller.signal.aborted) return;
      if (error instanceof Withheld) {
        this.input({ type: 'withheld', fault: error.fault, until: monotonic() + error.wait });
      } else this.input({ type: 'failed', fault: Fault.from(error).report() });
    }
  }

  /** Loads the plugins once; a failed load is tried again with the next attempt. */
  #seat(): Promise<void> {
    const { relay, builtins, lane, env } = this.#open;
    // The file may be mended, or the user wants another try: the plugins begin anew.
    if (this.#guests.broken !== null) {
      this.#guests.unseat();
      this.#seated = null;
    }
    this.#seated ??= Promise.all(relay.plugins.map((use) => loadGuest(use, builtins))).then(async (guests) => {
      await this.#guests.seat(guests, 'relay', relay.name, env);
      // A file that could not even be loaded here never reaches the supervisor.
      const plugins = guests.flatMap(({ plugin }, index) => (plugin.daemon === undefined ? [] : [index]));
      if (plugins.length > 0) void this.#ports.say({ say: 'seated', lane, plugins });
    });
    this.#seated.catch(() => {
      this.#seated = null;
    });
    return this.#seated;
  }

  #watch(lease: Lease): void {
    const { lane, relay } = this.#open;
    const guests = this.#guests.hasProbe ? (dial: Dial) => this.#guests.probe(dial, null) : null;
    const news: TargetNews = {
      judged: (forward, judgement, fault, rtt) =>
        void this.#ports.say({ say: 'judged', lane, forward, judgement, fault: fault?.report() ?? null, rtt }),
      forbidden: (fault) => {
        if (this.#clients.open > 0) return false;
        this.input({ type: 'lost', fault: fault.report() });
        return true;
      },
    };
    this.#watches = watchTargets(relay.forwards, lease.link, news, guests);
  }

  #closeLink(): void {
    const lease = this.#lease;
    this.#lease = null;
    for (const watch of this.#watches) watch.stop();
    this.#watches = [];
    if (lease === null) return;
    this.#clients.abandon(new Fault('LINK_LOST', 'the relay was stopped before the connection ended; nothing to do'));
    lease.release();
  }
}
