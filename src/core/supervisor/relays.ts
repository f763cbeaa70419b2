import type { Event } from '../model/event.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { standing } from '../model/standing.ts';
import type { RelayStatus } from '../model/status.ts';
import type { ToSupervisor } from '../protocol.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { SlotSetting } from './lane-slot.ts';
import { Relay, type RelayPorts } from './relay.ts';
import { unknownRelay } from './unknown-relay.ts';

/** Every relay of the config by its name, in the order of the file; what is news to one of them finds it here. */
export class Relays {
  readonly #relays: ReadonlyMap<string, Relay>;
  readonly #connections: ConnectionTable;

  constructor(settings: readonly SlotSetting[], ports: RelayPorts) {
    this.#relays = new Map(settings.map((setting) => [setting.relay.name, new Relay(setting, ports)]));
    this.#connections = ports.connections;
  }

  /** Throws RELAY_UNKNOWN. */
  named(name: string): Relay {
    const relay = this.#relays.get(name);
    if (relay === undefined) throw unknownRelay(name, [...this.#relays.keys()]);
    return relay;
  }

  /** Makes all known, then starts those that the config does not keep stopped. */
  async start(): Promise<void> {
    const relays = [...this.#relays.values()];
    for (const relay of relays) relay.declare();
    await Promise.all(relays.filter(({ config }) => config.start).map((relay) => relay.start(false)));
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

  /** Hands an event to the plugins of its relay. */
  observe(event: Event): void {
    // A plugin that writes a line for each event would hear its own lines for ever.
    if ('relay' in event && event.type !== 'worker.said') this.#relays.get(event.relay)?.observe(event);
  }

  /** What these lanes wait for has been answered. */
  answered(lanes: readonly { readonly relay: string; readonly lane: number }[]): void {
    for (const { relay, lane } of lanes) this.#relays.get(relay)?.answered(lane);
  }

  /** What a worker says of one connection. */
  heard(message: Extract<ToSupervisor, { id: number }>): void {
    const connection = this.#connections.find(message.id);
    if (connection !== undefined) this.#relays.get(connection.client.relay)?.clients.heard(connection, message);
  }
}
