import type { Endpoint } from '../model/endpoint.ts';
import type { Event, Fact } from '../model/event.ts';
import { Fault, type FaultReport } from '../model/fault.ts';
import type { RelayConfig } from '../model/config.ts';
import type { RelaySnapshot } from '../model/snapshot.ts';
import { Turnstile } from '../model/turnstile.ts';
import { bestLane, standing } from '../model/standing.ts';
import type { Counters } from '../model/status.ts';
import { Clients } from './clients.ts';
import type { Connection } from './connection.ts';
import { LaneSlot, type SlotSetting } from './lane-slot.ts';
import { Listener } from './listener.ts';
import { Refusals } from './refusals.ts';
import { RelayGuests } from './relay-guests.ts';
import type { WorkerKeeper } from './worker-keeper.ts';

/** What a relay needs of the supervisor. */
export interface RelayPorts {
  readonly fact: (fact: Fact) => void;
  /** What the facts so far amount to; null before the relay is declared. */
  readonly snapshot: (relay: string) => RelaySnapshot | null;
  /** Who keeps a worker for a lane: an own one, or the shared one. */
  readonly keeper: (relay: RelayConfig) => WorkerKeeper;
  /** Gives a `:0` listener its port. */
  readonly settle: (relay: string, forward: number, listen: Endpoint) => Promise<Endpoint>;
  /** False once the daemon ends: then nothing begins any more. */
  readonly mayBegin: () => boolean;
  readonly nextId: () => number;
  readonly connections: Map<number, Connection>;
  /** Most connections of all relays together; null: no limit is known. */
  readonly room: number | null;
}

/** After the drain a worker gets so long to end by itself, ms. */
const grace = 2_000;

/** One relay: its listeners, its lanes, its clients, its observing plugins. Lives from the config's load to the daemon's end. */
export class Relay {
  readonly config: RelayConfig;
  readonly clients: Clients;
  readonly #setting: SlotSetting;
  readonly #ports: RelayPorts;
  readonly #guests: RelayGuests;
  readonly #refusals: Refusals;
  readonly #turnstile = new Turnstile(1);
  #listeners: readonly Listener[] = [];
  #lanes: readonly LaneSlot[] = [];
  #before = { sent: 0, received: 0 };
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #turning: Promise<void> | null = null;

  constructor(setting: SlotSetting, ports: RelayPorts) {
    this.config = setting.relay;
    this.#setting = setting;
    this.#ports = ports;
    const relay = this.config.name;
    this.#refusals = new Refusals((forward, fault, count) =>
      ports.fact({ type: 'connection.refused', relay, forward, fault, count }),
    );
    this.#guests = new RelayGuests(this.config, setting.builtins, {
      failed: (plugin, fault) => ports.fact({ type: 'plugin.failed', relay, plugin, fault: fault.report() }),
      said: (text, count) => ports.fact({ type: 'worker.said', relay, text, count }),
    });
    this.clients = new Clients(this.config, ports.connections, ports.room, {
      lane: () => this.#lane(),
      hopeless: () => this.#hopeless(),
      hurry: () => {
        for (const lane of this.#lanes) lane.nudge('client');
      },
      refused: (forward, fault) => this.#refusals.add(forward, fault),
    });
  }

  get counters(): Counters {
    const now = this.#lanes.map((lane) => lane.vitals);
    const sum = (key: 'sent' | 'received') => now.reduce((total, vitals) => total + vitals[key], this.#before[key]);
    const { open, held, accepted, refused } = this.clients;
    const asked = now[this.#best() ?? 0]?.rtt ?? [];
    const rtt = this.config.forwards.map((_, index) => asked[index] ?? null);
    return { open, held, accepted, refused, sent: sum('sent'), received: sum('received'), rtt };
  }

  /** Makes it known to everyone who reads events, whether or not it is started. */
  declare(): void {
    const { name, host, lanes, forwards } = this.config;
    const shown = forwards.map(({ listen, target, health }) => ({ listen, target, probed: health !== null }));
    this.#ports.fact({ type: 'relay.declared', relay: name, host, lanes, forwards: shown });
  }

  /** Binds the listeners and starts the lanes; starting a running one does nothing. `forced`: the user asked for it. */
  start(forced: boolean): Promise<void> {
    const ending = this.#turning ?? this.#stopping;
    if (ending !== null) return ending.then(() => this.start(forced));
    if (!this.#ports.mayBegin()) return Promise.resolve();
    this.#starting ??= this.#begin(forced);
    return this.#starting;
  }

  /** Stops accepting at once, drains, ends the lanes; resolves when all is closed. */
  stop(why: string): Promise<void> {
    if (this.#turning !== null) return this.#turning.then(() => this.stop(why));
    if (this.#starting === null) return Promise.resolve();
    this.#stopping ??= this.#starting
      .then(() => this.#end(why))
      .finally(() => {
        this.#starting = null;
        this.#stopping = null;
      });
    return this.#stopping;
  }

  /**
   * Drains the lanes and begins anew; the listeners stay bound, and who comes meanwhile is held. One that is stopped is started.
   */
  restart(why: string): Promise<void> {
    if (this.#starting === null || this.#stopping !== null) return this.start(true);
    this.#turning ??= this.#starting
      .then(() => this.#turn(why))
      .finally(() => {
        this.#turning = null;
      });
    return this.#turning;
  }

  /** Cuts the drain short. */
  now(): void {
    this.clients.cutAll();
    this.#cut();
  }

  /** What this lane waits for has been answered. */
  answered(lane: number): void {
    this.#lanes[lane]?.nudge('answer');
  }

  #cut(): void {
    for (const lane of this.#lanes) {
      lane.abandon();
      if (this.config.isolation === 'relay')
        lane.keeper.kill(new Fault('LINK_LOST', 'ended at once, as asked; nothing to do'));
    }
  }

  /** The user wants it to go on: waiting ends. */
  nudge(): void {
    for (const lane of this.#lanes) lane.nudge('user');
  }

  /** Hands an event of this relay to its plugins. */
  observe(event: Event): void {
    this.#guests.observe(event);
    if (this.config.plugins.length > 0) for (const lane of this.#lanes) lane.keeper.send({ say: 'event', event });
  }

  async #begin(forced: boolean): Promise<void> {
    const { name, forwards } = this.config;
    this.#ports.fact({ type: 'relay.started', relay: name });
    this.#listeners = forwards.map(({ listen }, index) => this.#listener(index, listen));
    await Promise.all(this.#listeners.map((listener) => listener.open()));
    this.#beginLanes(forced);
  }

  async #end(why: string): Promise<void> {
    const { name } = this.config;
    this.#ports.fact({ type: 'relay.stopping', relay: name, why });
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    this.#changed();
    await this.#endLanes();
    // All lanes are gone: what is left was never opened.
    this.clients.cutAll();
    this.#refusals.flush();
    this.#ports.fact({ type: 'relay.stopped', relay: name });
  }

  async #turn(why: string): Promise<void> {
    const { name } = this.config;
    this.#ports.fact({ type: 'relay.restarting', relay: name, why });
    await this.#endLanes();
    if (!this.#ports.mayBegin()) return;
    this.#ports.fact({ type: 'relay.started', relay: name });
    this.#beginLanes(true);
  }

  #beginLanes(forced: boolean): void {
    this.#lanes = Array.from({ length: this.config.lanes }, (_, index) => {
      const lane: LaneSlot = new LaneSlot(index, this.#setting, forced, this.#ports.keeper(this.config), {
        fact: this.#ports.fact,
        changed: () => this.#changed(),
        turnstile: this.#turnstile,
        gone: () => this.clients.orphaned(lane.id),
        seated: (plugins) => this.#guests.seat(plugins),
      });
      return lane;
    });
    for (const lane of this.#lanes) lane.start();
  }

  async #endLanes(): Promise<void> {
    for (const lane of this.#lanes) lane.drain();
    const late = setTimeout(() => this.#cut(), this.config.drain + grace);
    await Promise.all(this.#lanes.map((lane) => lane.ended));
    if (this.config.isolation === 'relay') await Promise.all(this.#lanes.map((lane) => lane.keeper.ended()));
    clearTimeout(late);
    // What a worker did not live to say of its clients.
    for (const lane of this.#lanes) this.clients.orphaned(lane.id);
    await this.#guests.dismiss();
    const { sent, received } = this.counters;
    this.#before = { sent, received };
    this.#lanes = [];
  }

  #listener(index: number, listen: Endpoint): Listener {
    const { fact, settle, nextId } = this.#ports;
    const at = { relay: this.config.name, forward: index };
    return new Listener(() => settle(at.relay, index, listen), {
      bound: (endpoint) => fact({ type: 'listener.bound', ...at, listen: endpoint }),
      failed: (fault) => fact({ type: 'listener.failed', ...at, fault: fault.report() }),
      troubled: (text) => fact({ type: 'relay.warned', relay: at.relay, text }),
      accepted: (socket) => this.clients.accept(nextId(), index, socket),
    });
  }

  #changed(): void {
    if (this.#lane() !== null) void this.clients.serve();
    const hopeless = this.#hopeless();
    if (hopeless !== null) this.clients.refuseHeld(hopeless);
  }

  #best(): number | null {
    const snapshot = this.#ports.snapshot(this.config.name);
    return snapshot === null ? null : bestLane(snapshot);
  }

  #lane(): LaneSlot | null {
    const best = this.#best();
    return best === null ? null : (this.#lanes[best] ?? null);
  }

  /** Nobody is kept waiting for what waiting cannot bring. */
  #hopeless(): FaultReport | null {
    const { name } = this.config;
    const snapshot = this.#ports.snapshot(name);
    const { word, fault } = snapshot === null ? { word: 'offline' as const, fault: null } : standing(snapshot);
    if (word === 'blocked') return fault;
    // The lanes are on their way out, others will come.
    if (snapshot?.running === 'restarting') return null;
    if (word !== 'offline' && word !== 'draining') return null;
    return new Fault('RELAY_STOPPED', `${name} was stopped while a client waited; start it again`).report();
  }
}
