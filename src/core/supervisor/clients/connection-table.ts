import type { Socket } from 'node:net';
import type { FaultReport } from '../../model/fault.ts';
import type { ClientConnection } from '../../model/plugin.ts';
import { noDescriptors } from './client-faults.ts';
import type { Connection } from './connection.ts';

/** The accepted clients of all relays, by the numbers under which workers speak of them. */
export class ConnectionTable {
  /** Most at once for so many relays, so that descriptors are left for the daemon itself; null: no limit is known. */
  readonly #room: (relays: number) => number | null;
  readonly #all = new Map<number, Connection>();
  /** How many each relay has. */
  readonly #counts = new Map<string, number>();
  #relays: readonly string[] = [];
  #lastId = 0;

  constructor(room: (relays: number) => number | null) {
    this.#room = room;
  }

  /** Among whom the room is shared from now on; what is open stays so. */
  share(relays: readonly string[]): void {
    this.#relays = relays;
  }

  /**
   * Why a relay takes no more in; null: there is room. The client that has just come counts already. Half of the room is for whoever comes
   * first; of the other half each relay has an equal part, which waits for it: two thousand clients of one relay that say nothing must
   * not cost another one its own.
   */
  full(relay: string): FaultReport | null {
    const room = this.#room(this.#relays.length);
    if (room === null) return null;
    const part = Math.floor(room / 2 / Math.max(1, this.#relays.length));
    const mine = this.#count(relay);
    const kept = this.#relays.reduce((sum, one) => sum + (one === relay ? 0 : Math.max(0, part - this.#count(one))), 0);
    if (mine <= part ? this.#all.size <= room : this.#all.size + kept <= room) return null;
    return noDescriptors(relay, mine - 1, this.#all.size - 1);
  }

  /** Takes in an accepted socket, as one that is held. */
  add(socket: Socket, client: ClientConnection): Connection {
    this.#lastId += 1;
    const connection: Connection = {
      id: this.#lastId,
      socket,
      client,
      forwardGone: false,
      since: performance.now(),
      at: 'held',
      lane: null,
      keeper: null,
      handovers: 0,
      patience: null,
      timer: undefined,
    };
    this.#all.set(connection.id, connection);
    this.#counts.set(client.relay, this.#count(client.relay) + 1);
    return connection;
  }

  find(id: number): Connection | undefined {
    return this.#all.get(id);
  }

  /** Whoever had it may still speak of it: that is of nobody from now on. */
  renumber(connection: Connection): void {
    if (!this.#all.delete(connection.id)) return;
    this.#lastId += 1;
    connection.id = this.#lastId;
    this.#all.set(connection.id, connection);
  }

  forget({ id, client }: Connection): void {
    if (!this.#all.delete(id)) return;
    const left = this.#count(client.relay) - 1;
    if (left > 0) this.#counts.set(client.relay, left);
    else this.#counts.delete(client.relay);
  }

  #count(relay: string): number {
    return this.#counts.get(relay) ?? 0;
  }
}
