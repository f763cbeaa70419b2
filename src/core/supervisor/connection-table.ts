import type { Socket } from 'node:net';
import type { FaultReport } from '../model/fault.ts';
import type { ClientConnection } from '../model/plugin.ts';
import { noDescriptors } from './client-faults.ts';
import type { Connection } from './connection.ts';

/** The accepted clients of all relays, by the numbers under which workers speak of them. */
export class ConnectionTable {
  /** Most at once, so that descriptors are left for the daemon itself; null: no limit is known. */
  readonly room: number | null;
  readonly #all = new Map<number, Connection>();
  #lastId = 0;

  constructor(room: number | null) {
    this.room = room;
  }

  /** Why no more are taken in; null: there is room. The one that has just come counts already. */
  get full(): FaultReport | null {
    return this.room !== null && this.#all.size > this.room ? noDescriptors(this.room) : null;
  }

  /** Takes in an accepted socket, as one that is held. */
  add(socket: Socket, client: ClientConnection): Connection {
    this.#lastId += 1;
    const connection: Connection = {
      id: this.#lastId,
      socket,
      client,
      at: 'held',
      lane: null,
      handovers: 0,
      patience: null,
      timer: undefined,
    };
    this.#all.set(connection.id, connection);
    return connection;
  }

  find(id: number): Connection | undefined {
    return this.#all.get(id);
  }

  forget({ id }: Connection): void {
    this.#all.delete(id);
  }
}
