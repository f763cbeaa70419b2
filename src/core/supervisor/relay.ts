import type { RelayConfig } from '../model/config.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Event, Fact } from '../model/event.ts';
import { Fault, type FaultReport } from '../model/fault.ts';
import type { Counters } from '../model/status.ts';
import { Guests } from '../plugin/guests.ts';
import { loadGuest } from '../plugin/load.ts';
import { Clients } from './clients.ts';
import type { Connection } from './connection.ts';
import { LaneSlot, type SlotSetting } from './lane-slot.ts';
import { Listener } from './listener.ts';
import type { WorkerHost } from './worker-host.ts';

/** What a relay needs of the supervisor. */
export interface RelayPorts {
  readonly fact: (fact: Fact) => void;
  /** A worker for a lane: an own one, or the shared one. */
  readonly host: (relay: RelayConfig) => WorkerHost;
  /** Gives a `:0` listener its port. */
  readonly settle: (relay: string, forward: number, listen: Endpoint) => Promise<Endpoint>;
  readonly nextId: () => number;
  readonly connections: Map<number, Connection>;
}

/** After the drain a worker gets so long to end by itself, ms. */
const grace = 2_000;

/** One relay: its listeners, its lanes, its clients, its observing plugins. Lives from the config's load to the daemon's end. */
export class Relay {
  readonly config: RelayConfig;
  readonly #setting: SlotSetting;
  readonly #ports: RelayPorts;
  readonly #clients: Clients;
  #listeners: Listener[] = [];
  #lanes: LaneSlot[] = [];
  #guests: Guests | null = null;
  #running = false;
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #refusals = { count: 0, timer: undefined as NodeJS.Timeout | undefined };

  constructor(setting: SlotSetting, ports: RelayPorts) {
    this.config = setting.relay;
    this.#setting = setting;
    this.#ports = ports;
    this.#clients = new Clients(this.config, ports.connections, {
      lane: () => this.#lane(),
      hopeless: () => this.#hopeless(),
      hurry: () => {
        for (const lane of this.#lanes) lane.nudge('client');
      },
      refused: (forward, fault) => this.#refused(forward, fault),
      emptied: () => undefined,
    });
  }

  get clients(): Clients {
    return this.#clients;
  }

  get counters(): Counters {
    const sum = (index: 0 | 1) => this.#lanes.reduce((total, lane) => total + lane.traffic[index], 0);
    const { open, held, accepted, refused } = this.#clients;
    return { open, held, accepted, refused, sent: sum(0), received: sum(1) };
  }

  /** Makes it known to everyone who reads events, whether or not it is started. */
  declare(): void {
    const { name, host, lanes, forwards } = this.config;
    const shown = forwards.map(({ listen, target, health }) => ({ listen, target, probed: health !== null }));
    this.#ports.fact({ type: 'relay.declared', relay: name, host, lanes, forwards: shown });
  }

  /** Binds the listeners and starts the lanes; starting a running one does nothing. */
  start(): Promise<void> {
    if (this.#stopping !== null) return this.#stopping.then(() => this.start());
    this.#starting ??= this.#begin();
    return this.#starting;
  }

  async #begin(): Promise<void> {
    this.#running = true;
    const { name, lanes, forwards } = this.config;
    this.#ports.fact({ type: 'relay.started', relay: name });
    await this.#seat();
    await Promise.all(forwards.map((_, index) => this.#listen(index)));
    this.#lanes = Array.from({ length: lanes }, (_, index) => {
      const lane = new LaneSlot(index, this.#setting, this.#ports.host(this.config), {
        fact: this.#ports.fact,
        changed: () => this.#changed(),
        gone: () => this.#clients.orphaned(lane.id),
      });
      return lane;
    });
    for (const lane of this.#lanes) lane.start();
  }

  /** Stops accepting at once, drains, ends the lanes; resolves when all is closed. */
  stop(why: string): Promise<void> {
    if (this.#starting === null) return Promise.resolve();
    this.#stopping ??= this.#starting
      .then(() => this.#end(why))
      .finally(() => {
        this.#starting = null;
        this.#stopping = null;
      });
    return this.#stopping;
  }

  /** Cuts the drain short. */
  now(): void {
    this.#clients.cutAll();
    for (const lane of this.#lanes) {
      lane.abandon();
      if (this.config.isolation === 'relay')
        lane.host.kill(new Fault('LINK_LOST', 'ended at once, as asked; nothing to do'));
    }
  }

  /** The user wants it to go on: waiting ends. */
  nudge(): void {
    for (const lane of this.#lanes) lane.nudge('user');
  }

  /** Hands an event of this relay to its plugins. */
  observe(event: Event): void {
    this.#guests?.observe(event);
    if (this.config.plugins.length > 0) for (const lane of this.#lanes) lane.host.send({ say: 'event', event });
  }

  async #end(why: string): Promise<void> {
    const { name, drain } = this.config;
    this.#running = false;
    this.#ports.fact({ type: 'relay.stopping', relay: name, why });
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    this.#clients.refuseHeld(
      new Fault('HOLD_EXPIRED', `${name} was stopped while a client waited; start it again`).report(),
    );
    for (const lane of this.#lanes) lane.drain();
    const late = setTimeout(() => this.now(), drain + grace);
    await Promise.all(this.#lanes.map((lane) => lane.ended));
    if (this.config.isolation === 'relay') await Promise.all(this.#lanes.map((lane) => lane.host.ended()));
    clearTimeout(late);
    clearTimeout(this.#refusals.timer);
    this.#refusals = { count: 0, timer: undefined };
    // All lanes are gone: what is left was never opened.
    this.#clients.cutAll();
    this.#guests?.dismiss();
    this.#guests = null;
    this.#ports.fact({ type: 'relay.stopped', relay: name });
  }

  async #listen(index: number): Promise<void> {
    const { name, forwards } = this.config;
    const configured = forwards[index]?.listen;
    if (configured === undefined) return;
    const failed = (fault: Fault) =>
      this.#ports.fact({ type: 'listener.failed', relay: name, forward: index, fault: fault.report() });
    try {
      const listen = await this.#ports.settle(name, index, configured);
      const listener = new Listener(listen, {
        bound: (endpoint) =>
          this.#ports.fact({ type: 'listener.bound', relay: name, forward: index, listen: endpoint }),
        failed,
        accepted: (socket) => this.#clients.accept(this.#ports.nextId(), index, socket),
      });
      this.#listeners.push(listener);
      await listener.open();
    } catch (error) {
      failed(Fault.from(error));
    }
  }

  /** Plugins whose `daemon` half runs here. Those that fail to load block the relay from its worker. */
  async #seat(): Promise<void> {
    const { name, plugins } = this.config;
    if (plugins.length === 0) return;
    const guests = new Guests((plugin, fault) => {
      this.#ports.fact({ type: 'plugin.failed', relay: name, plugin, fault: fault.report() });
    });
    for (const use of plugins) {
      try {
        const { builtins, configFile } = this.#setting;
        const guest = await loadGuest(use, builtins, configFile.slice(0, configFile.lastIndexOf('/') + 1));
        await guests.seat([guest], 'daemon', name);
      } catch (error) {
        this.#ports.fact({ type: 'plugin.failed', relay: name, plugin: use.use, fault: Fault.from(error).report() });
      }
    }
    this.#guests = guests;
  }

  #changed(): void {
    if (this.#lane() !== null) void this.#clients.serve();
    const hopeless = this.#hopeless();
    if (hopeless !== null) this.#clients.refuseHeld(hopeless);
  }

  #lane(): LaneSlot | null {
    return this.#lanes.find((lane) => lane.state.at === 'up') ?? null;
  }

  /** While every lane is blocked, nobody is kept waiting. */
  #hopeless(): FaultReport | null {
    const blocked = this.#lanes.flatMap(({ state }) => (state.at === 'blocked' ? [state.fault] : []));
    return blocked.length > 0 && blocked.length === this.#lanes.length ? (blocked[0] ?? null) : null;
  }

  /** At most one event a second, however many clients are refused. */
  #refused(forward: number, fault: FaultReport): void {
    const say = (count: number) =>
      this.#ports.fact({ type: 'connection.refused', relay: this.config.name, forward, fault, count });
    this.#refusals.count += 1;
    if (this.#refusals.timer !== undefined) return;
    say(this.#refusals.count);
    this.#refusals.count = 0;
    this.#refusals.timer = setTimeout(() => {
      this.#refusals.timer = undefined;
      if (this.#refusals.count > 0 && this.#running) say(this.#refusals.count);
      this.#refusals.count = 0;
    }, 1_000);
    this.#refusals.timer.unref();
  }
}
