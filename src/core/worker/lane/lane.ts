import type { Backend } from '../../model/backend.ts';
import type { Event } from '../../model/event.ts';
import { isSilent } from '../../model/beside.ts';
import type { Fault } from '../../model/fault.ts';
import type { ClientConnection } from '../../model/plugin.ts';
import { Secret } from '../../model/secret.ts';
import { waitingFor } from '../../model/judged.ts';
import type { LaneState } from '../../model/state.ts';
import type { LaneEffect, LaneInput } from '../../model/lane-step.ts';
import { step } from '../../model/step.ts';
import { isOwnAddress, plainAddress } from '../../socket/own-addresses.ts';
import { Guests } from '../../plugin/guests.ts';
import { localMutex } from '../../plugin/mutex.ts';
import type { LaneId, LaneVitals, RemotePorts, ToSupervisor, ToWorker } from '../../protocol.ts';
import { Backing } from '../backing/backing.ts';
import { monotonic } from '../clock.ts';
import { Dialer } from './dialer.ts';
import { LaneCourse } from './lane-course.ts';
import { LaneLink } from './lane-link.ts';
import { LaneService } from './lane-service.ts';
import { LaneVoice } from './lane-voice.ts';
import { LaneWaits } from './lane-waits.ts';
import type { Links } from './links.ts';
import type { MutexRequests } from '../mutex-requests.ts';
import type { PermitRequests } from '../permit-requests.ts';
import type { QuestionRequests } from '../question-requests.ts';
import { Seating } from './seating.ts';

type Open = Extract<ToWorker, { say: 'open' }>;

/** What a lane needs of its process. `say` resolves when the message is with the supervisor's kernel. */
export interface LanePorts {
  readonly say: (message: ToSupervisor) => Promise<void>;
  readonly links: Links;
  readonly permits: PermitRequests;
  readonly questions: QuestionRequests;
  readonly mutexes: MutexRequests;
  /** Called once, before the end is told: how much it carried must be told by then. */
  readonly ending: () => void;
  /** Called once, when the lane has ended. */
  readonly ended: (lane: LaneId) => void;
}

/**
 * One link of a relay with its channels; for a while a second one beside it, and those that it replaced, until nobody is joined over them.
 * Performs what `step` decides, assigns the state and announces it.
 */
export class Lane {
  readonly #open: Open;
  readonly #ports: LanePorts;
  readonly #voice: LaneVoice;
  readonly #guests: Guests;
  readonly #service: LaneService;
  readonly #dialer: Dialer;
  readonly #backing: Backing;
  readonly #course: LaneCourse;
  readonly #link: LaneLink;
  readonly #waits: LaneWaits;
  #state: LaneState = { at: 'idle' };
  /** The `remote` forwards of the relay are this lane's. */
  #appointed = false;

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
      unbacked: (fault) => this.#unbacked(fault),
      forbidden: lose,
      left: () => this.#left(),
    });
    this.#backing = new Backing(relay, token === null ? null : new Secret(token), this.#guests, {
      stage: voice.stage,
      warn: voice.warn,
      learned: voice.backed,
      stumbled: (link, fault) => this.#course.stumbled(link, fault),
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
    this.#course = new LaneCourse({
      backing: this.#backing,
      voice,
      input: (input) => this.input(input),
      state: () => this.#state,
      link: () => this.#link.link,
      joined: () => (this.#link.link === null ? 0 : this.#service.joined(this.#link.link)),
      stumbled: (link, fault) => this.#service.stumbled(link, fault),
      left: () => this.#left(),
    });
    this.#link = new LaneLink(this.#dialer, this.#backing, this.#course);
  }

  /**
   * Decides, assigns, announces, performs, in this order. The only place where a lane's state changes. What an effect brings about at once (a link
   * that is lost as it is taken) comes in here again: it meets the new state, is told after it, and what is left to perform of the outer step are
   * effects that do nothing to what has gone by then. Who is served follows last, by what is true in the end.
   */
  input(input: LaneInput): void {
    const { settle, drain } = this.#open.relay;
    const before = this.#state;
    const { retired } = this.#link;
    const replaceable = outlives(this.#link.backed?.backend) && outlives(this.#backing.reached);
    const { useful } = this.#service;
    const policy = { settle, drain, retired, replaceable, useful, random: this.#dialer.jitter };
    const next = step(before, input, monotonic(), policy);
    this.#state = next.state;
    const well = next.state.at === 'up' && next.state.backing === null;
    if (isWish(input) && !well) this.#link.asked = true;
    this.#waits.enter(next.state);
    const ended = next.state.at === 'ended' && before.at !== 'ended';
    if (ended) this.#ports.ending();
    if (next.state !== before) this.#voice.state(before, next.state);
    for (const effect of next.effects) this.#perform(effect);
    this.#follow();
    if (ended) {
      this.#service.stop(null);
      this.#link.end();
      this.#guests.dismiss();
      this.#ports.ended(this.#open.lane);
    }
  }

  /** A client's socket has arrived. Without a link that answers it goes back unread. */
  connect(id: number, client: ClientConnection, patience: number, handle: unknown): void {
    this.#service.take(id, client, patience, handle);
  }

  /** The supervisor gave this client up. One that is gone by now is nobody's. */
  cut(id: number): void {
    this.#service.cut(id);
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

  /** The supervisor is gone, and this process about to end: who is served must see that it was cut. */
  forsake(): void {
    this.#service.forsake();
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
  appoint(on: boolean, ports: RemotePorts): void {
    this.#appointed = on;
    this.#service.prefer(ports);
    this.#follow();
  }

  /** What the config says by now: so many clients of the other side may be open at once. */
  limit(connections: number): void {
    this.#service.limit(connections);
  }

  observe(event: Event): void {
    this.#guests.observe(event);
  }

  /** Who is refused by a target is told so at once; only where somebody else took its place must nobody be led there. */
  #unbacked(fault: Fault): void {
    if (this.#state.at !== 'up' || this.#state.backing !== null) return;
    const now = monotonic();
    const until = this.#backing.retryAt(now);
    if (until > now && fault.code !== 'BACKEND_FOREIGN') return;
    this.#backing.retry();
    this.input(until > now ? { type: 'usurped', fault: fault.report(), until } : { type: 'unbacked' });
  }

  /** Has those who are served know how it stands by now. */
  #follow(): void {
    const state = this.#state;
    const { link, backed } = this.#link;
    const up = state.at === 'up';
    this.#service.follow({
      link,
      answers: up && !isSilent(state.beside),
      backed,
      // Who goes on while it drains goes on as before.
      waiting: up ? waitingFor({ state, backend: backed?.backend ?? null }, this.#open.relay.forwards) : null,
      listens: up && this.#appointed,
    });
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
        if (this.#service.idle) queueMicrotask(() => this.input({ type: 'stop' }));
        return;
      case 'yield':
        return this.#service.yield();
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
}

/** Whether a backend goes on without its link; one that nobody brought does. */
function outlives(backend: Backend | null | undefined): boolean {
  return backend?.withLink !== true;
}

/** The user asked for what comes next. */
function isWish(input: LaneInput): boolean {
  return (input.type === 'start' && input.forced) || (input.type === 'nudge' && input.why === 'user');
}
