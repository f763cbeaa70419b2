import { matchForwards } from '../../config/match-forwards.ts';
import type { RelayChange } from '../../config/diff.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { Event, Fact } from '../../model/event.ts';
import type { RelayConfig } from '../../model/config.ts';
import { isUseless } from '../../model/judged.ts';
import type { LaneSnapshot, RelaySnapshot } from '../../model/snapshot.ts';
import type { Counters } from '../../model/status.ts';
import type { Reaper } from '../../process/reaper.ts';
import { Clients } from '../clients/clients.ts';
import type { ConnectionTable } from '../clients/connection-table.ts';
import type { Departures } from '../clients/departures.ts';
import type { SlotSetting } from './lane-slot.ts';
import { prospectOf } from '../clients/prospect.ts';
import { Refusals } from './refusals.ts';
import { changedFact, declaredFact } from './relay-facts.ts';
import { RelayGuests } from './relay-guests.ts';
import { RelayLanes } from './relay-lanes.ts';
import { RelayLife } from './relay-life.ts';
import { RelayListeners } from './relay-listeners.ts';
import { RelayToken } from './relay-token.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** What a relay needs of the supervisor. */
export interface RelayPorts {
  readonly fact: (fact: Fact) => void;
  /** What the facts so far amount to; null before the relay is declared. */
  readonly snapshot: (relay: string) => RelaySnapshot | null;
  /** Who keeps a worker for a lane: an own one, or the shared one. */
  readonly keeper: (relay: RelayConfig) => WorkerKeeper;
  /** Gives a `:0` listener its port. */
  readonly settle: (relay: RelayConfig, forward: number) => Promise<Endpoint>;
  /** A listener that goes on has this port: it is remembered as that of this forward. */
  readonly keep: (relay: RelayConfig, forward: number, port: number) => void;
  /** False once the daemon ends: then nothing begins any more. */
  readonly mayBegin: () => boolean;
  readonly connections: ConnectionTable;
  readonly departures: Departures;
  /** Ends the daemon sides of its plugins with the daemon. */
  readonly reaper: Reaper;
}

/** One relay: its listeners, its lanes, its clients, its observing plugins. Lives while it is in the config, and until it has ended. */
export class Relay {
  readonly clients: Clients;
  readonly token: RelayToken;
  readonly #ports: RelayPorts;
  readonly #lanes: RelayLanes;
  readonly #listeners: RelayListeners;
  readonly #refusals: Refusals;
  readonly #life: RelayLife;
  #setting: SlotSetting;
  #guests: RelayGuests;
  #stale = false;
  #removed = false;

  constructor(setting: SlotSetting, ports: RelayPorts) {
    this.#setting = setting;
    this.#ports = ports;
    const relay = this.config.name;
    this.#refusals = new Refusals((forward, fault, count) =>
      ports.fact({ type: 'connection.refused', relay, forward, fault, count }),
    );
    this.token = new RelayToken(relay, setting.givenToken, (warning) =>
      ports.fact({ type: 'relay.warned', relay, ...warning }),
    );
    this.#guests = this.#invite();
    this.#listeners = new RelayListeners(relay, {
      fact: ports.fact,
      settle: (forward) => ports.settle(this.config, forward),
      keep: (forward, port) => ports.keep(this.config, forward, port),
      accepted: (forward, socket) => this.clients.accept(forward, socket),
    });
    this.clients = new Clients(this.config, ports.connections, {
      lane: () => this.#lanes.best,
      prospect: (forward) => prospectOf(relay, ports.snapshot(relay), forward),
      hurry: () => this.#lanes.nudge('client'),
      refused: (forward, fault) => this.#refusals.add(forward, fault),
      departures: ports.departures,
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
      drop: (why) => this.#drop(why),
      again: (forced) => this.#again(forced),
      stale: () => this.#stale,
      mayBegin: () => this.#mayBegin(),
    });
  }

  get config(): RelayConfig {
    return this.#setting.relay;
  }

  /** It was taken out of the config, and only waits for its end. */
  get removed(): boolean {
    return this.#removed;
  }

  /** Whether somebody would notice if its links ended now. */
  get busy(): boolean {
    const { lanes, forwards } = this.#ports.snapshot(this.config.name) ?? { lanes: [], forwards: [] };
    const used = (lane: LaneSnapshot) =>
      lane.state.at === 'draining' || (lane.state.at === 'up' && !isUseless(lane, forwards));
    return this.counters.open > 0 || lanes.some(used);
  }

  get counters(): Counters {
    const { open, held, accepted } = this.clients;
    const { sent, received, rtt: asked, arrived } = this.#lanes.vitals;
    const rtt = this.config.forwards.map((_, index) => asked[index] ?? null);
    return {
      open: open + arrived.open,
      held,
      accepted: accepted + arrived.accepted,
      ...this.#refusals.counts,
      sent,
      received,
      rtt,
    };
  }

  /** Makes it known to everyone who reads events, whether or not it is started. */
  declare(): void {
    this.#ports.fact(declaredFact(this.config));
  }

  /**
   * Takes over what the config says by now. Listeners and clients go by it at once: addresses that are gone are let go. Returns what
   * does the rest, once every relay has let go: new listeners open, and links end and begin anew where they must. It resolves when the
   * listeners have been tried.
   */
  adopt(setting: SlotSetting, { anew }: RelayChange): () => Promise<void> {
    const before = this.config;
    const { forwards, start } = setting.relay;
    this.#setting = setting;
    this.#stale ||= anew;
    const was = matchForwards(before.forwards, forwards);
    const place = (forward: number) => (was.includes(forward) ? was.indexOf(forward) : null);
    this.clients.adopt(this.config, place);
    // Their numbers are those of the forwards before.
    this.#refusals.flush();
    if (anew) {
      // Its forwards may lead to another host now.
      this.token.forget();
      this.#lanes.retire();
      this.#ports.fact(changedFact(this.config, was));
    } else this.#lanes.limit(setting.relay);
    const open = this.#listeners.rearrange(forwards, was);
    return async () => {
      await open();
      const why = 'the config has changed';
      if (before.start && !start) return void this.stop(why);
      if (start && !before.start) void this.start(false);
      void this.#life.refresh(why);
    };
  }

  /** It is no longer in the config: lets go of its addresses at once, then ends. */
  remove(why: string): Promise<void> {
    this.#removed = true;
    this.#listeners.close();
    return this.#life.stop(why);
  }

  /** It is in the config again before it has ended. */
  revive(setting: SlotSetting): void {
    this.#removed = false;
    this.#setting = setting;
    this.clients.adopt(setting.relay, () => null);
    this.token.forget();
    this.#lanes.retire();
    this.declare();
  }

  /** Binds the listeners and starts the lanes; starting a running one does nothing. `forced`: the user asked for it. */
  start(forced: boolean): Promise<void> {
    return this.#life.start(forced);
  }

  /** Stops accepting at once, drains, ends the lanes; resolves when all is closed. */
  stop(why: string): Promise<void> {
    // Not only when a start or a restart that is under way has come so far.
    this.#listeners.close();
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
    this.#guests.kill();
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
    await this.#listeners.open(forwards);
    await this.token.look();
    this.#beginLanes(forced);
  }

  async #end(why: string): Promise<void> {
    const { name } = this.config;
    this.#ports.fact({ type: 'relay.stopping', relay: name, why });
    this.#listeners.close();
    this.clients.drain();
    this.clients.look();
    await this.#lanes.end();
    await this.#guests.dismiss();
    // All lanes are gone: what is left was never opened.
    this.clients.cutAll();
    this.#refusals.flush();
    const cut = this.clients.drained();
    this.#ports.fact({ type: 'relay.stopped', relay: name, ...(cut === 0 ? {} : { cut }) });
  }

  async #drop(why: string): Promise<void> {
    this.#ports.fact({ type: 'relay.restarting', relay: this.config.name, why });
    await this.#lanes.end();
    await this.#guests.dismiss();
  }

  async #again(forced: boolean): Promise<void> {
    this.#ports.fact({ type: 'relay.started', relay: this.config.name });
    await this.token.look();
    this.#beginLanes(forced);
  }

  #beginLanes(forced: boolean): void {
    this.#stale = false;
    this.#guests = this.#invite();
    this.#lanes.begin(this.#setting, forced);
  }

  #mayBegin(): boolean {
    return this.#ports.mayBegin() && !this.#removed;
  }

  #invite(): RelayGuests {
    const { fact, reaper } = this.#ports;
    const relay = this.config.name;
    return new RelayGuests(this.config, this.#setting.builtins, reaper, {
      failed: (plugin, fault) => fact({ type: 'plugin.failed', relay, plugin, fault: fault.report() }),
      said: (text, count) => fact({ type: 'worker.said', relay, text, count }),
    });
  }
}
