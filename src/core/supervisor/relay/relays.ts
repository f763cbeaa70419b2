import type { ConfigDiff } from '../../config/diff.ts';
import type { Event } from '../../model/event.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { standing } from '../../model/standing.ts';
import type { RelayStatus } from '../../model/status.ts';
import type { ToSupervisor } from '../../protocol.ts';
import type { ConnectionTable } from '../clients/connection-table.ts';
import type { SlotSetting } from './lane-slot.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';
import { Relay, type RelayPorts } from './relay.ts';
import { unknownRelay } from './unknown-relay.ts';

/** Every relay of the config by its name, in the order of the file; what is news to one of them finds it here. */
export class Relays {
  readonly #ports: RelayPorts;
  readonly #connections: ConnectionTable;
  #relays: ReadonlyMap<string, Relay>;

  constructor(settings: readonly SlotSetting[], ports: RelayPorts) {
    this.#ports = ports;
    this.#relays = new Map(settings.map((setting) => [setting.relay.name, new Relay(setting, ports)]));
    this.#connections = ports.connections;
  }

  /** Throws RELAY_UNKNOWN. */
  named(name: string): Relay {
    const relay = this.#relays.get(name);
    if (relay !== undefined && !relay.removed) return relay;
    const there = [...this.#relays].filter(([, { removed }]) => !removed);
    throw unknownRelay(
      name,
      there.map(([known]) => known),
    );
  }

  /** Makes all known, then starts those that the config does not keep stopped. */
  async start(): Promise<void> {
    const relays = [...this.#relays.values()];
    for (const relay of relays) relay.declare();
    await Promise.all(relays.filter(({ config }) => config.start).map((relay) => relay.start(false)));
  }

  /**
   * Makes those of the config be what they are by now; `settings` has all of them, in the order of the file. Who is unchanged is not touched.
   * Resolves when every listener has been tried; drains go on.
   */
  async apply(settings: readonly SlotSetting[], { added, removed, changed }: ConfigDiff): Promise<void> {
    for (const name of removed) void this.#remove(this.named(name));
    const begin: (() => Promise<void>)[] = [];
    const relays = settings.map((setting): readonly [string, Relay] => {
      const { name, start } = setting.relay;
      const change = changed.find((one) => one.name === name);
      const old = this.#relays.get(name);
      if (old !== undefined && change !== undefined) begin.push(old.adopt(setting, change));
      if (old !== undefined && !added.includes(name)) return [name, old];
      const relay = old ?? new Relay(setting, this.#ports);
      if (old === undefined) relay.declare();
      else old.revive(setting);
      // One that comes back while it ends begins when it has ended.
      if (start) begin.push(async () => void (old === undefined ? await relay.start(false) : old.start(false)));
      return [name, relay];
    });
    const names = new Set(relays.map(([name]) => name));
    this.#relays = new Map([...relays, ...[...this.#relays].filter(([name]) => !names.has(name))]);
    await Promise.all(begin.map((deed) => deed()));
  }

  /** Those of these that somebody would miss. */
  busy(names: readonly string[]): readonly string[] {
    return names.filter((name) => this.#relays.get(name)?.busy === true);
  }

  /** Drains them together; resolves when all are closed. */
  async stop(why: string): Promise<void> {
    await Promise.all([...this.#relays.values()].map((relay) => relay.stop(why)));
  }

  /** Cuts every drain short. */
  now(): void {
    for (const relay of this.#relays.values()) relay.now();
  }

  /** The addresses of this machine changed. */
  roam(): void {
    for (const relay of this.#relays.values()) relay.nudge('network');
  }

  /** Those that were declared, with their live counts. */
  shown(snapshot: Snapshot): readonly RelayStatus[] {
    return [...this.#relays].flatMap(([name, relay]): RelayStatus[] => {
      const folded = snapshot.relays[name];
      return folded === undefined ? [] : [{ ...folded, standing: standing(folded), counters: relay.counters }];
    });
  }

  async #remove(relay: Relay): Promise<void> {
    const { name } = relay.config;
    await relay.remove('it was taken out of the config');
    // It may stand there again by now.
    if (!relay.removed || this.#relays.get(name) !== relay) return;
    this.#relays = new Map([...this.#relays].filter(([, one]) => one !== relay));
    this.#ports.fact({ type: 'relay.removed', relay: name });
  }

  /** Hands an event to the plugins of its relay. */
  observe(event: Event): void {
    // A plugin that writes a line for each event would hear its own lines for ever.
    if ('relay' in event && event.type !== 'worker.said') this.#relays.get(event.relay)?.observe(event);
  }

  /** What these lanes wait for has been answered. */
  answered(lanes: readonly { readonly relay: string; readonly lane: number }[]): void {
    for (const { relay, lane } of lanes) this.#relays.get(relay)?.answered(lane);
  }

  /** What a worker says of one connection; one that was cut meanwhile is nobody's. Throws where it has not got that one. */
  heard(keeper: WorkerKeeper, message: Extract<ToSupervisor, { id: number }>): void {
    const connection = this.#connections.find(message.id);
    if (connection !== undefined) this.#relays.get(connection.client.relay)?.clients.heard(keeper, connection, message);
  }
}
