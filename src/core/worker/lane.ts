import type { Event } from '../model/event.ts';
import { isSilent } from '../model/beside.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection } from '../model/plugin.ts';
import { Secret } from '../model/secret.ts';
import type { LaneState } from '../model/state.ts';
import type { LaneEffect, LaneInput } from '../model/lane-step.ts';
import { step } from '../model/step.ts';
import { isOwnAddress, plainAddress } from '../socket/own-addresses.ts';
import { Guests } from '../plugin/guests.ts';
import { localMutex } from '../plugin/mutex.ts';
import type { LaneId, LaneVitals, ToSupervisor, ToWorker } from '../protocol.ts';
import type { Link } from '../ssh/link/link.ts';
import { type Backed, Backing } from './backing.ts';
import { monotonic } from './clock.ts';
import { Dialer } from './dialer.ts';
import { LaneLink } from './lane-link.ts';
import { LaneService } from './lane-service.ts';
import { LaneVoice } from './lane-voice.ts';
import { LaneWaits } from './lane-waits.ts';
import type { Links } from './links.ts';
import type { MutexRequests } from './mutex-requests.ts';
import type { PermitRequests } from './permit-requests.ts';
import type { QuestionRequests } from './question-requests.ts';
import { Seating } from './seating.ts';
import { besideFailureOf, failureOf } from './withheld.ts';

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
  readonly #voice: LaneVoice;
  readonly #guests: Guests;
  readonly #service: LaneService;
  readonly #dialer: Dialer;
  readonly #backing: Backing;
  readonly #link: LaneLink;
  readonly #waits: LaneWaits;
  #state: LaneState = { at: 'idle' };
  /** Whether what was brought last outlives its link. */
  #replaceable = true;

  constructor(open: Open, ports: LanePorts) {
    this.#open = open;
    this.#ports = ports;
    const { lane, relay, token } = open;
    const voice = new LaneVoice(lane, ports.say);
    this.#voice = voice;
    const lose = (fault: Fault) => this.input({ type: 'lost', fault: fault.report() });
    this.#guests = new Guests(
      (plugin, fault, fatal) => {
        voice.failed(plugin, fault);
        if (fatal) lose(fault);
      },
      relay.lanes === 1 ? localMutex() : ports.mutexes.of(lane),
    );
    const seating = new Seating(open, this.#guests, ports.say);
    this.#service = new LaneService(relay, this.#guests, ports.say, voice, {
      unbacked: () => {
        if (this.#backing.mayRetry(monotonic())) this.input({ type: 'unbacked' });
      },
      forbidden: lose,
      left: () => this.#left(),
    });
    this.#backing = new Backing(relay, token === null ? null : new Secret(token), this.#guests, {
      stage: voice.stage,
      warn: voice.warn,
      learned: voice.backed,
      stumbled: (link, fault) => {
        if (this.#link.link === link) this.#stumbled(link, fault);
      },
    });
    this.#dialer = new Dialer(open, {
      links: ports.links,
      permits: ports.permits,
      questions: ports.questions,
      seat: () => seating.seat(),
      guests: this.#guests,
      stage: (stage) => voice.stage(stage, null),
      note: voice.warn,
      inform: voice.inform,
    });
    this.#waits = new LaneWaits(
      () => this.#dialer.stamps,
      () => this.input({ type: 'nudge', why: 'files' }),
      () => this.input({ type: 'timer' }),
      () => this.input({ type: 'beside-timer' }),
    );
    this.#link = new LaneLink(this.#dialer, this.#backing, {
      linked: (link) => {
        const backed = this.#backing.atOnce();
        voice.link(link);
        const kept = this.#lead(backed);
        this.input({ type: 'linked', kept });
        if (this.#link.link === link) this.#begin(link, backed);
      },
      backed: (link, backed) => {
        this.#replaceable = backed.backend?.withLink !== true;
        this.#service.resume(link, backed);
        this.input({ type: 'backed' });
      },
      failed: (error) => this.input(failureOf(error)),
      lost: lose,
      besideLinked: (link) => {
        const backed = this.#backing.atOnce();
        this.input({ type: 'beside-linked', kept: backed === null ? this.#backing.awaited : null });
        this.#moved(link, () => {
          this.#lead(backed);
          this.#begin(link, backed);
        });
      },
      besideBacked: (link, backed) => {
        this.input({ type: 'replaced' });
        this.#moved(link, () => {
          this.#lead(backed);
          this.#begin(link, backed);
        });
      },
      besideUnready: (link, error) => {
        const fault = Fault.from(error);
        const kept = this.#backing.kept(fault);
        this.input({ type: 'beside-unready', fault: fault.report(), kept });
        this.#moved(link, () => {
          this.#lead(null);
          this.#begin(link, null);
          this.#service.stumble(link, kept, fault);
        });
      },
      besideFailed: (error) => this.input(besideFailureOf(error)),
      doubt: {
        doubted: (where, since, patience) => this.input({ type: 'suspected', where, since, patience, gone: null }),
        trusted: () => this.input({ type: 'trusted' }),
      },
    });
  }

  /** Decides, assigns, announces, performs. The only place where a lane's state changes. */
  input(input: LaneInput): void {
    const { settle, drain } = this.#open.relay;
    const before = this.#state;
    const { retired } = this.#link;
    const replaceable = this.#replaceable && this.#backing.reached?.withLink !== true;
    const policy = { settle, drain, retired, replaceable, random: this.#dialer.jitter };
    const next = step(before, input, monotonic(), policy);
    this.#state = next.state;
    const well = next.state.at === 'up' && next.state.backing === null;
    if (isWish(input) && !well) this.#link.asked = true;
    this.#waits.enter(next.state);
    if (next.state !== before) this.#voice.state(before, next.state);
    for (const effect of next.effects) this.#perform(effect);
    this.#service.link = this.#answering;
    if (next.state.at === 'ended' && before.at !== 'ended') {
      this.#service.stop(null);
      this.#link.end();
      this.#guests.dismiss();
      this.#ports.ended(this.#open.lane);
    }
  }

  /** A client's socket has arrived. Without a link that answers it goes back unread. */
  connect(id: number, client: ClientConnection, handle: unknown): void {
    this.#service.take(id, client, handle, this.#answering);
  }

  /** The machine slept: is the link still there, and may an attempt be hurried? */
  wake(): void {
    this.#link.link?.check(true);
    this.input({ type: 'nudge', why: 'wake' });
  }

  /** The addresses of this machine changed. Where the link's own is gone, its end is only a question of time. */
  roam(): void {
    const { link } = this.#link;
    link?.check(false);
    const gone = link?.local ?? null;
    if (link !== null && gone !== null && !isOwnAddress(gone)) {
      const { remote: where } = link.facts;
      this.input({ type: 'suspected', where, since: monotonic(), patience: 0, gone: plainAddress(gone) });
    }
    this.input({ type: 'nudge', why: 'network' });
  }

  /** Another lane of the relay answers: who has no channel here yet goes there. */
  yield(): void {
    this.#service.yield();
  }

  /** What changes too often to be an event. */
  get vitals(): LaneVitals {
    return this.#service.vitals;
  }

  /** A person set another token, or took it away: it counts from the next proof on, which is made at once. */
  token(text: string | null): void {
    this.#backing.given = text === null ? null : new Secret(text);
    this.input(this.#state.at === 'up' ? { type: 'unbacked' } : { type: 'nudge', why: 'files' });
  }

  /** The `remote` forwards of the relay are this lane's from now on, or another's. */
  appoint(on: boolean): void {
    this.#service.appoint(on, this.#state.at === 'up' ? this.#link.link : null);
  }

  observe(event: Event): void {
    this.#guests.observe(event);
  }

  /** The link that clients go over; null: there is none, or it does not answer. */
  get #answering(): Link | null {
    return this.#state.at === 'up' && !isSilent(this.#state.beside) ? this.#link.link : null;
  }

  #perform(effect: LaneEffect): void {
    switch (effect.do) {
      case 'cancel-dial':
      case 'close-link':
        return this.#closeLink();
      case 'arm':
      case 'disarm':
      case 'arm-beside':
      case 'disarm-beside':
      case 'watch-files':
        return this.#waits.perform(effect);
      case 'drain':
        this.#service.drain();
        if (this.#service.idle) queueMicrotask(() => this.input({ type: 'stop' }));
        return;
      case 'yield':
        return this.#service.yield();
      case 'back':
        this.#service.pause();
        return this.#link.back();
      default:
        return this.#link.perform(effect);
    }
  }

  #closeLink(): void {
    const { link } = this.#link;
    if (link !== null) this.#service.stop(link);
    this.#link.close();
  }

  #left(): void {
    this.#link.settle((link) => this.#service.uses(link));
    if (this.#state.at === 'draining' && this.#service.idle) this.input({ type: 'stop' });
  }

  /** Where a new link leads to; null: that is brought yet. Returns the numbers of the forwards that wait for it; null: none is made to. */
  #lead(backed: Backed | null): readonly number[] | null {
    // Whether it would end with its link shows when it comes.
    this.#replaceable = backed?.backend?.withLink !== true;
    const kept = backed === null ? this.#backing.awaited : null;
    if (kept !== null) this.#service.keep(kept);
    if (backed !== null) this.#service.lead(backed);
    return kept;
  }

  #begin(link: Link, backed: Backed | null): void {
    if (backed === null) this.#service.beginWithout(link);
    else this.#service.begin(link, backed);
  }

  /** The second link has come as far as `step` was told; where it has taken the place of the first, that is told, and `begin` goes on over it. */
  #moved(link: Link, begin: () => void): void {
    if (this.#link.link !== link) return;
    this.#voice.link(link);
    this.#service.move();
    begin();
    this.#left();
  }

  /** It never came over this link: what failed may say better who waits for it. */
  #stumbled(link: Link, fault: Fault): void {
    if (this.#state.at !== 'up' || this.#state.kept === undefined) return;
    const kept = this.#backing.kept(fault);
    this.input({ type: 'stumbled', kept });
    if (this.#link.link === link) this.#service.stumble(link, kept, fault);
  }
}

/** The user asked for what comes next. */
function isWish(input: LaneInput): boolean {
  return (input.type === 'start' && input.forced) || (input.type === 'nudge' && input.why === 'user');
}
