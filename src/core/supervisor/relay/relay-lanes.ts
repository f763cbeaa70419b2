import { isDeepStrictEqual } from 'node:util';
import type { BackendFacts } from '../../model/backend.ts';
import { listensHere, type RelayConfig } from '../../model/config.ts';
import type { Event, Fact } from '../../model/event.ts';
import { Fault, type FaultReport } from '../../model/fault.ts';
import type { Secret } from '../../model/secret.ts';
import type { RelaySnapshot } from '../../model/snapshot.ts';
import { bestLane } from '../../model/standing.ts';
import { Turnstile } from '../../model/turnstile.ts';
import type { LaneId, LaneVitals, RemotePorts } from '../../protocol.ts';
import { LaneSlot, type SlotSetting } from './lane-slot.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** What the lanes of a relay need, and whom they tell. */
export interface RelayLanesPorts {
  readonly fact: (fact: Fact) => void;
  readonly snapshot: () => RelaySnapshot | null;
  /** Who keeps a worker for one more lane. */
  readonly keeper: () => WorkerKeeper;
  /** A lane's state or stage changed, or its worker is gone: the fact is in the snapshot. */
  readonly changed: () => void;
  /** Nobody carries this lane's clients any more. */
  readonly orphaned: (lane: LaneId) => void;
  /** The token that a person set for the backend. */
  readonly given: () => Secret | null;
  /** The backend of the relay is ready; null: it has no token, or nobody knows one. */
  readonly backed: (backend: BackendFacts | null, token: Secret | null) => void;
  /** A client of a `remote` forward was not served. */
  readonly refused: (forward: number, fault: FaultReport) => void;
  /** These plugins of the relay loaded well in a worker and have a `daemon` half. */
  readonly seated: (plugins: readonly number[]) => void;
}

/** After the drain a worker gets so long to end by itself, ms. */
const grace = 2_000;

/** The lanes of one relay: begun together, ended together, and one of them is the best. */
export class RelayLanes {
  #setting: SlotSetting;
  readonly #ports: RelayLanesPorts;
  readonly #mutex = new Turnstile(1);
  #lanes: readonly LaneSlot[] = [];
  #before = { sent: 0, received: 0, accepted: 0 };
  /** Lanes that were told to give their waiting clients back, for this doubt. */
  readonly #relieved = new Set<LaneSlot>();
  /** Who has the `remote` forwards. */
  #appointed: LaneSlot | null = null;
  /** Where the host listened last, for as long as the relay has the same forwards: port 0 means this one from then on. */
  #chosen: RemotePorts = {};
  #ending = false;

  constructor(setting: SlotSetting, ports: RelayLanesPorts) {
    this.#setting = setting;
    this.#ports = ports;
  }

  /** The lane that clients go to; null while none is up. */
  get best(): LaneSlot | null {
    // They may not have said yet that they drain.
    if (this.#ending) return null;
    const snapshot = this.#ports.snapshot();
    const index = snapshot === null ? null : bestLane(snapshot);
    return index === null ? null : (this.#lanes[index] ?? null);
  }

  /** The bytes of all lanes since the daemon began, and the round trips of the best one. */
  get vitals(): LaneVitals {
    const now = this.#lanes.map((lane) => lane.vitals);
    const sum = (of: (vitals: LaneVitals) => number, before: number) =>
      now.reduce((total, vitals) => total + of(vitals), before);
    const { rtt } = (this.best ?? this.#lanes[0])?.vitals ?? { rtt: [] };
    return {
      sent: sum(({ sent }) => sent, this.#before.sent),
      received: sum(({ received }) => received, this.#before.received),
      rtt,
      arrived: {
        open: sum(({ arrived }) => arrived.open, 0),
        accepted: sum(({ arrived }) => arrived.accepted, this.#before.accepted),
      },
    };
  }

  /** `forced`: the user asked for it. */
  begin(setting: SlotSetting, forced: boolean): void {
    if (!isDeepStrictEqual(setting.relay.forwards, this.#setting.relay.forwards)) this.#chosen = {};
    this.#setting = setting;
    this.#ending = false;
    const { keeper, changed, orphaned, given, backed, refused, seated } = this.#ports;
    this.#lanes = Array.from({ length: this.#setting.relay.lanes }, (_, index) => {
      const lane: LaneSlot = new LaneSlot(index, this.#setting, forced, keeper(), {
        fact: (fact) => {
          if (fact.type === 'remote.bound' && fact.listen.kind === 'tcp')
            this.#chosen = { ...this.#chosen, [fact.forward]: fact.listen.port };
          this.#ports.fact(fact);
        },
        changed: () => {
          this.#appoint();
          this.#relieve();
          changed();
        },
        mutex: this.#mutex,
        gone: () => orphaned(lane.id),
        given,
        backed,
        refused,
        seated,
      });
      return lane;
    });
    for (const lane of this.#lanes) lane.start();
  }

  /** They are to end, for the config is another by now: nobody is led to them any more, and what they say of it counts no longer. */
  retire(): void {
    this.#ending = true;
    for (const lane of this.#lanes) lane.retire();
  }

  /** Drains them; resolves when all have ended, their own workers too. */
  async end(): Promise<void> {
    this.#ending = true;
    const { drain, isolation } = this.#setting.relay;
    for (const lane of this.#lanes) lane.drain();
    const late = setTimeout(() => this.#hasten(), drain + grace);
    await Promise.all(this.#lanes.map((lane) => lane.ended));
    if (isolation === 'relay') await Promise.all(this.#lanes.map((lane) => lane.keeper.ended()));
    clearTimeout(late);
    // What a worker did not live to say of its clients.
    for (const lane of this.#lanes) this.#ports.orphaned(lane.id);
    const { sent, received, arrived } = this.vitals;
    this.#before = { sent, received, accepted: arrived.accepted };
    this.#lanes = [];
    this.#appointed = null;
    this.#ending = false;
  }

  /** The time of a drain is over. */
  #hasten(): void {
    if (this.#setting.relay.isolation === 'relay') return this.cut();
    // Their worker lives on for others, and may say late that a lane has ended: by then no other one must have its name.
    for (const lane of this.#lanes) lane.stop();
  }

  /** One lane has the `remote` forwards, and keeps them while it is up: what moves is unbound for a moment. */
  #appoint(): void {
    if (this.#setting.relay.forwards.every(listensHere)) return;
    const lanes = this.#ports.snapshot()?.lanes ?? [];
    const before = this.#appointed;
    if (before !== null && lanes[this.#lanes.indexOf(before)]?.state.at === 'up') return;
    const now = this.best;
    before?.appoint(false, this.#chosen);
    now?.appoint(true, this.#chosen);
    this.#appointed = now;
  }

  /** Who waits at a lane whose link's life is in doubt goes to one that is well. */
  #relieve(): void {
    const lanes = this.#ports.snapshot()?.lanes ?? [];
    const { best } = this;
    for (const [index, lane] of this.#lanes.entries()) {
      const state = lanes[index]?.state;
      const doubted = state?.at === 'up' && state.beside !== null;
      if (!doubted) this.#relieved.delete(lane);
      if (!doubted || lane === best || this.#relieved.has(lane)) continue;
      this.#relieved.add(lane);
      lane.yield();
    }
  }

  /** Ends them without waiting for anything; a shared worker is to be killed by who says so. */
  cut(): void {
    for (const lane of this.#lanes) {
      lane.abandon();
      if (this.#setting.relay.isolation === 'relay')
        lane.keeper.kill(new Fault('LINK_LOST', 'ended at once, as asked; nothing to do'));
    }
  }

  /** What the config allows them by now: bytes above which a worker of theirs is replaced (a shared one has its own), and open connections. */
  limit(relay: Pick<RelayConfig, 'memory' | 'connections'>): void {
    for (const lane of this.#lanes) {
      lane.limit(relay.connections);
      if (this.#setting.relay.isolation === 'relay') lane.keeper.limit(relay.memory);
    }
  }

  /** Somebody wants them to go on: waiting ends where that is a reason. */
  nudge(why: 'client' | 'network' | 'user'): void {
    for (const lane of this.#lanes) lane.nudge(why);
  }

  /** A person set another token for the backend, or took it away. */
  retoken(): void {
    const given = this.#ports.given();
    for (const lane of this.#lanes) lane.retoken(given);
  }

  /** What this lane waits for has been answered. */
  answered(lane: number): void {
    this.#lanes[lane]?.nudge('answer');
  }

  /** Hands an event to the plugins in the workers. */
  observe(event: Event): void {
    for (const lane of this.#lanes) lane.keeper.send({ say: 'event', event });
  }
}
