import type { Endpoint } from '../model/endpoint.ts';
import type { Event, Fact } from '../model/event.ts';
import { listensHere, type RelayConfig } from '../model/config.ts';
import type { RelaySnapshot } from '../model/snapshot.ts';
import type { Counters } from '../model/status.ts';
import { Clients } from './clients.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { SlotSetting } from './lane-slot.ts';
import { Listener } from './listener.ts';
import { prospectOf } from './prospect.ts';
import { Refusals } from './refusals.ts';
import { RelayGuests } from './relay-guests.ts';
import { RelayLanes } from './relay-lanes.ts';
import { RelayLife } from './relay-life.ts';
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
  readonly #life: RelayLife;
  #listeners: readonly Listener[] = [];

  constructor(setting: SlotSetting, ports: RelayPorts) {
    this.config = setting.relay;
    this.#ports = ports;
    const relay = this.config.name;
    this.#refusals = new Refusals((forward, fault, count) =>
      ports.fact({ type: 'connection.refused', relay, forward, fault, count }),
    );
    this.token = new RelayToken(setting.givenToken, (text) => ports.fact({ type: 'relay.warned', relay, text }));
    this.#guests = new RelayGuests(this.config, setting.builtins, {
      failed: (plugin, fault) => ports.fact({ type: 'plugin.failed', relay, plugin, fault: fault.report() }),
      said: (text, count) => ports.fact({ type: 'worker.said', relay, text, count }),
    });
    this.clients = new Clients(this.config, ports.connections, {
      lane: () => this.#lanes.best,
      prospect: (forward) => prospectOf(relay, ports.snapshot(relay), forward),
      hurry: () => this.#lanes.nudge('client'),
      refused: (forward, fault) => this.#refusals.add(forward, fault),
    });
    this.#lanes = new RelayLanes(setting, {
      fact: ports.fact,
      snapshot: () => ports.snapshot(relay),
      keeper: () => ports.keeper(this.config),
      changed: () => this.clients.look(),
      orphaned: (lane) => this.clients.orphaned(lane),
      given: () => this.token.given,
      backed: (backend, token) => this.token.learned(backend, token),
      refused: (forward, fault) => this.#refusals.add(forward, fault),
      seated: (plugins) => this.#guests.seat(plugins),
    });
    this.#life = new RelayLife({
      begin: (forced) => this.#begin(forced),
      end: (why) => this.#end(why),
      renew: (why) => this.#renew(why),
      mayBegin: ports.mayBegin,
    });
  }

  get counters(): Counters {
    const { open, held, accepted, refused } = this.clients;
    const { sent, received, rtt: asked, arrived } = this.#lanes.vitals;
    const rtt = this.config.forwards.map((_, index) => asked[index] ?? null);
    return {
      open: open + arrived.open,
      held,
      accepted: accepted + arrived.accepted,
      refused: refused + arrived.refused,
      sent,
      received,
      rtt,
    };
  }

  /** Makes it known to everyone who reads events, whether or not it is started. */
  declare(): void {
    const { name, host, lanes, forwards } = this.config;
    const shown = forwards.map(({ kind, listen, target, health }) => ({
      kind,
      listen,
      target,
      probed: health !== null,
    }));
    this.#ports.fact({ type: 'relay.declared', relay: name, host, lanes, forwards: shown });
  }

  /** Binds the listeners and starts the lanes; starting a running one does nothing. `forced`: the user asked for it. */
  start(forced: boolean): Promise<void> {
    return this.#life.start(forced);
  }

  /** Stops accepting at once, drains, ends the lanes; resolves when all is closed. */
  stop(why: string): Promise<void> {
    return this.#life.stop(why);
  }

  /** Drains the lanes and begins anew; the listeners stay bound, and who comes meanwhile is held. One that is stopped is started. */
  restart(why: string): Promise<void> {
    return this.#life.restart(why);
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

  /** The user wants it to go on, or this machine has other addresses: waiting ends where that is a reason. */
  nudge(why: 'user' | 'network'): void {
    this.#lanes.nudge(why);
  }

  /** Hands an event of this relay to its plugins. */
  observe(event: Event): void {
    this.#guests.observe(event);
    if (this.config.plugins.length > 0) this.#lanes.observe(event);
  }

  async #begin(forced: boolean): Promise<void> {
    const { name, forwards } = this.config;
    this.#ports.fact({ type: 'relay.started', relay: name });
    this.#listeners = forwards.flatMap((forward, index) =>
      listensHere(forward) ? [this.#listener(index, forward.listen)] : [],
    );
    await Promise.all(this.#listeners.map((listener) => listener.open()));
    await this.token.look();
    this.#lanes.begin(forced);
  }

  async #end(why: string): Promise<void> {
    const { name } = this.config;
    this.#ports.fact({ type: 'relay.stopping', relay: name, why });
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    this.clients.look();
    await this.#lanes.end();
    await this.#guests.dismiss();
    // All lanes are gone: what is left was never opened.
    this.clients.cutAll();
    this.#refusals.flush();
    this.#ports.fact({ type: 'relay.stopped', relay: name });
  }

  async #renew(why: string): Promise<void> {
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
}
