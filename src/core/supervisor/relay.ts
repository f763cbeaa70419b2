import type { Endpoint } from '../model/endpoint.ts';
import type { Event, Fact } from '../model/event.ts';
import type { RelayConfig } from '../model/config.ts';
import type { RelaySnapshot } from '../model/snapshot.ts';
import type { Counters } from '../model/status.ts';
import { Clients } from './clients.ts';
import type { ConnectionTable } from './connection-table.ts';
import { hopeless } from './hopeless.ts';
import type { SlotSetting } from './lane-slot.ts';
import { Listener } from './listener.ts';
import { Refusals } from './refusals.ts';
import { RelayGuests } from './relay-guests.ts';
import { RelayLanes } from './relay-lanes.ts';
import { RelayToken } from './relay-token.ts';
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
  readonly connections: ConnectionTable;
}

/** One relay: its listeners, its lanes, its clients, its observing plugins. Lives from the config's load to the daemon's end. */
export class Relay {
  readonly config: RelayConfig;
  readonly clients: Clients;
  readonly token: RelayToken;
  readonly #ports: RelayPorts;
  readonly #lanes: RelayLanes;
  readonly #guests: RelayGuests;
  readonly #refusals: Refusals;
  #listeners: readonly Listener[] = [];
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #restarting: Promise<void> | null = null;

  constructor(setting: SlotSetting, ports: RelayPorts) {
    this.config = setting.relay;
    this.#ports = ports;
    const relay = this.config.name;
    this.#refusals = new Refusals((forward, fault, count) =>
      ports.fact({ type: 'connection.refused', relay, forward, fault, count }),
    );
    this.token = new RelayToken(setting.givenToken, (fault) => {
      const text = `${fault.message} [${fault.code}]`;
      ports.fact({ type: 'relay.warned', relay, text, fault: fault.report() });
    });
    this.#guests = new RelayGuests(this.config, setting.builtins, {
      failed: (plugin, fault) => ports.fact({ type: 'plugin.failed', relay, plugin, fault: fault.report() }),
      said: (text, count) => ports.fact({ type: 'worker.said', relay, text, count }),
    });
    this.clients = new Clients(this.config, ports.connections, {
      lane: () => this.#lanes.best,
      hopeless: () => hopeless(relay, ports.snapshot(relay)),
      hurry: () => this.#lanes.nudge('client'),
      refused: (forward, fault) => this.#refusals.add(forward, fault),
    });
    this.#lanes = new RelayLanes(setting, {
      fact: ports.fact,
      snapshot: () => ports.snapshot(relay),
      keeper: () => ports.keeper(this.config),
      changed: () => this.#changed(),
      orphaned: (lane) => this.clients.orphaned(lane),
      given: () => this.token.given,
      backed: (backend, token) => this.token.learned(backend, token),
      seated: (plugins) => this.#guests.seat(plugins),
    });
  }

  get counters(): Counters {
    const { open, held, accepted, refused } = this.clients;
    const { sent, received, rtt: asked } = this.#lanes.vitals;
    const rtt = this.config.forwards.map((_, index) => asked[index] ?? null);
    return { open, held, accepted, refused, sent, received, rtt };
  }

  /** Makes it known to everyone who reads events, whether or not it is started. */
  declare(): void {
    const { name, host, lanes, forwards } = this.config;
    const shown = forwards.map(({ listen, target, health }) => ({ listen, target, probed: health !== null }));
    this.#ports.fact({ type: 'relay.declared', relay: name, host, lanes, forwards: shown });
  }

  /** Binds the listeners and starts the lanes; starting a running one does nothing. `forced`: the user asked for it. */
  start(forced: boolean): Promise<void> {
    const ending = this.#restarting ?? this.#stopping;
    if (ending !== null) return ending.then(() => this.start(forced));
    if (!this.#ports.mayBegin()) return Promise.resolve();
    this.#starting ??= this.#begin(forced);
    return this.#starting;
  }

  /** Stops accepting at once, drains, ends the lanes; resolves when all is closed. */
  stop(why: string): Promise<void> {
    if (this.#restarting !== null) return this.#restarting.then(() => this.stop(why));
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
    this.#restarting ??= this.#starting
      .then(() => this.#restart(why))
      .finally(() => {
        this.#restarting = null;
      });
    return this.#restarting;
  }

  /** Cuts the drain short. */
  now(): void {
    this.clients.cutAll();
    this.#lanes.cut();
  }

  /** A person set another token for its backend, or took it away. */
  async retoken(): Promise<void> {
    await this.token.look();
    this.#lanes.retoken();
  }

  /** What this lane waits for has been answered. */
  answered(lane: number): void {
    this.#lanes.answered(lane);
  }

  /** The user wants it to go on: waiting ends. */
  nudge(): void {
    this.#lanes.nudge('user');
  }

  /** Hands an event of this relay to its plugins. */
  observe(event: Event): void {
    this.#guests.observe(event);
    if (this.config.plugins.length > 0) this.#lanes.observe(event);
  }

  async #begin(forced: boolean): Promise<void> {
    const { name, forwards } = this.config;
    this.#ports.fact({ type: 'relay.started', relay: name });
    this.#listeners = forwards.map(({ listen }, index) => this.#listener(index, listen));
    await Promise.all(this.#listeners.map((listener) => listener.open()));
    await this.token.look();
    this.#lanes.begin(forced);
  }

  async #end(why: string): Promise<void> {
    const { name } = this.config;
    this.#ports.fact({ type: 'relay.stopping', relay: name, why });
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    this.#changed();
    await this.#lanes.end();
    await this.#guests.dismiss();
    // All lanes are gone: what is left was never opened.
    this.clients.cutAll();
    this.#refusals.flush();
    this.#ports.fact({ type: 'relay.stopped', relay: name });
  }

  async #restart(why: string): Promise<void> {
    const { name } = this.config;
    this.#ports.fact({ type: 'relay.restarting', relay: name, why });
    await this.#lanes.end();
    await this.#guests.dismiss();
    if (!this.#ports.mayBegin()) return;
    this.#ports.fact({ type: 'relay.started', relay: name });
    await this.token.look();
    this.#lanes.begin(true);
  }

  #listener(index: number, listen: Endpoint): Listener {
    const { fact, settle } = this.#ports;
    const at = { relay: this.config.name, forward: index };
    return new Listener(() => settle(at.relay, index, listen), {
      bound: (endpoint) => fact({ type: 'listener.bound', ...at, listen: endpoint }),
      failed: (fault) => fact({ type: 'listener.failed', ...at, fault: fault.report() }),
      troubled: (text) => fact({ type: 'relay.warned', relay: at.relay, text }),
      accepted: (socket) => this.clients.accept(index, socket),
    });
  }

  #changed(): void {
    if (this.#lanes.best !== null) void this.clients.serve();
    const { name } = this.config;
    const why = hopeless(name, this.#ports.snapshot(name));
    if (why !== null) this.clients.refuseHeld(why);
  }
}
