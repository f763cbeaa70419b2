import type { Socket } from 'node:net';
import { longestOpen, type RelayConfig } from '../../model/config.ts';
import type { FaultReport } from '../../model/fault.ts';
import type { LaneId, ToSupervisor } from '../../protocol.ts';
import { abort, rawHandle } from '../../socket/raw-handle.ts';
import { forwardGone, handedInVain, neverAnswered, tooManyHeld, tooManyOpen, waitedInVain } from './client-faults.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';
import type { ClientsPorts, OpenLane } from './clients-ports.ts';
import { type Connection, describeClient } from './connection.ts';
import type { ConnectionTable } from './connection-table.ts';
import { HeldWatch } from './held-watch.ts';
import { Patience } from './patience.ts';

const handoverLimit = 4;
/** Who was accepted no longer ago counts as there: to look who has left takes the kernel 30 ms. */
const fresh = 100;
/**
 * Beyond the longest that the worker waits for a channel: plugins may be asked first. The worker knows how its link does and says what becomes of
 * each client; this is for a handle that Node loses on the way, which is never answered for. ms
 */
const handoverSlack = 120_000;

/** The accepted clients of one relay: held while nothing leads to their target, handed over in order, reset when they are cut. */
export class Clients {
  #config: RelayConfig;
  readonly #ports: ClientsPorts;
  readonly #table: ConnectionTable;
  readonly #mine = new Set<Connection>();
  readonly #watch: HeldWatch;
  #held = 0;
  #serving = false;
  accepted = 0;

  constructor(config: RelayConfig, table: ConnectionTable, ports: ClientsPorts) {
    this.#config = config;
    this.#table = table;
    this.#ports = ports;
    const held = () => [...this.#mine].filter(({ at }) => at === 'held');
    this.#watch = new HeldWatch(held, ports.departed, (connection) => this.#cut(connection));
  }

  get open(): number {
    return this.#mine.size - this.#held;
  }

  get held(): number {
    return this.#held;
  }

  /** The config has changed. `place` says where in it a forward stands that stood there; null: nowhere. */
  adopt(config: RelayConfig, place: (forward: number) => number | null): void {
    this.#config = config;
    for (const connection of [...this.#mine]) {
      const forward = place(connection.client.forward);
      if (forward !== null) connection.client = { ...connection.client, forward };
      else if (connection.at !== 'open') this.#refuse(connection, forwardGone(config.name));
    }
  }

  /** Takes in an accepted socket. */
  accept(forward: number, socket: Socket): void {
    this.accepted += 1;
    // Nobody reads here; a reset by the client must not end the process.
    socket.on('error', () => undefined);
    const { connections, name } = this.#config;
    const connection = this.#table.add(socket, describeClient(name, forward, socket));
    this.#mine.add(connection);
    this.#held += 1;
    const full =
      this.#table.full(this.#config.name) ?? (this.open < connections ? null : tooManyOpen(name, connections));
    if (full !== null) return this.#refuse(connection, full);
    // While the held are being served, it is one of them: the order of arrival is kept.
    const lane = this.#serving ? null : this.#laneFor(connection);
    if (lane !== null) this.#hand(connection, lane);
    else this.#hold(connection);
  }

  /** What a worker says of one of these connections. Throws where it cannot know of it, or not that. */
  heard(keeper: WorkerKeeper, connection: Connection, message: Extract<ToSupervisor, { id: number }>): void {
    const { say } = message;
    const early = connection.at === 'handed';
    if (connection.keeper !== keeper || (!early && (say === 'opened' || say === 'returned'))) {
      throw new Error(`connection ${connection.id} is ${connection.at}, and was said to be ${say}`);
    }
    switch (say) {
      case 'opened':
        clearTimeout(connection.timer);
        connection.at = 'open';
        break;
      case 'returned':
        this.#back(connection);
        break;
      case 'closed':
        this.#drop(connection);
        if (message.told !== null) this.#ports.refused(connection.client.forward, message.told);
        break;
      case 'reset':
        if (message.news) this.#refuse(connection, message.fault);
        else this.#cut(connection);
        break;
    }
  }

  /** A worker is gone: what it had opened is cut, what it had not opened is handed over again. */
  orphaned(lane: LaneId): void {
    for (const connection of [...this.#mine]) {
      if (connection.lane !== lane) continue;
      if (connection.at === 'open') this.#cut(connection);
      else if (connection.at === 'handed') this.#back(connection);
    }
  }

  /** The prospects may have changed: those of the held that wait in vain are reset with the reason, those that can be are served. */
  look(): void {
    if (this.#held === 0) return;
    let open = false;
    for (const connection of [...this.#mine]) {
      if (connection.at !== 'held') continue;
      const prospect = this.#ports.prospect(connection.client.forward);
      open ||= prospect.is === 'open';
      if (prospect.is === 'hopeless') this.#refuse(connection, prospect.fault);
      else connection.patience?.run(!(prospect.is === 'held' && prospect.launching));
    }
    if (open) void this.#serve();
  }

  /** Cuts everything. */
  cutAll(): void {
    for (const connection of [...this.#mine]) this.#cut(connection);
  }

  /** Serves the held in order of arrival, less those that have left meanwhile. */
  async #serve(): Promise<void> {
    if (this.#serving) return;
    this.#serving = true;
    try {
      const waited = [...this.#mine].filter(({ at }) => at === 'held');
      const old = performance.now() - fresh;
      const gone = waited.some(({ since }) => since < old) ? await this.#ports.departed() : () => false;
      // The look knows nothing of who came while it was taken.
      const left = new Set(waited.filter(({ client }) => gone(client)));
      for (const connection of [...this.#mine]) {
        if (connection.at !== 'held') continue;
        const lane = this.#laneFor(connection);
        if (lane === null) continue;
        if (left.has(connection)) this.#cut(connection);
        else this.#hand(connection, lane);
      }
    } finally {
      this.#serving = false;
    }
  }

  #laneFor({ client }: Connection): OpenLane | null {
    return this.#ports.prospect(client.forward).is === 'open' ? this.#ports.lane() : null;
  }

  #hand(connection: Connection, lane: OpenLane): void {
    const handle = rawHandle(connection.socket);
    if (handle === null) return this.#drop(connection);
    this.#unhold(connection);
    connection.at = 'handed';
    connection.lane = lane.id;
    connection.keeper = lane.keeper;
    connection.handovers += 1;
    const { id, client } = connection;
    if (!lane.keeper.send({ say: 'connection', lane: lane.id, id, client }, handle)) {
      // The worker is gone and nobody has told yet: nothing was handed over, and its end will have the held looked at.
      connection.handovers -= 1;
      connection.at = 'held';
      connection.lane = null;
      connection.keeper = null;
      this.#held += 1;
      return this.#hold(connection);
    }
    const { deadlines, name } = this.#config;
    connection.timer = setTimeout(() => {
      this.#refuse(connection, neverAnswered(name));
    }, longestOpen(deadlines) + handoverSlack);
  }

  #hold(connection: Connection): void {
    const { hold, name } = this.#config;
    const prospect = this.#ports.prospect(connection.client.forward);
    if (prospect.is === 'hopeless') return this.#refuse(connection, prospect.fault);
    if (this.#held > hold.connections) return this.#refuse(connection, tooManyHeld(name, hold.connections));
    // One for its life: a link that comes and goes must not have it wait anew each time.
    connection.patience ??= new Patience(hold.time, (stood) => {
      this.#refuse(connection, waitedInVain(name, hold.time, stood));
    });
    connection.patience.run(!(prospect.is === 'held' && prospect.launching));
    this.#watch.begin();
    this.#ports.hurry();
  }

  #back(connection: Connection): void {
    clearTimeout(connection.timer);
    connection.at = 'held';
    connection.lane = null;
    connection.keeper = null;
    this.#held += 1;
    if (connection.handovers >= handoverLimit) {
      return this.#refuse(connection, handedInVain(this.#config.name, handoverLimit));
    }
    this.#hold(connection);
    if (this.#laneFor(connection) !== null) void this.#serve();
  }

  #refuse(connection: Connection, fault: FaultReport): void {
    this.#cut(connection);
    this.#ports.refused(connection.client.forward, fault);
  }

  #cut(connection: Connection): void {
    this.#forget(connection);
    abort(connection.socket);
  }

  #drop(connection: Connection): void {
    this.#forget(connection);
    connection.socket.destroy();
  }

  #forget(connection: Connection): void {
    clearTimeout(connection.timer);
    if (!this.#mine.delete(connection)) return;
    this.#unhold(connection);
    this.#table.forget(connection);
  }

  #unhold(connection: Connection): void {
    if (connection.at === 'held') this.#held -= 1;
    connection.patience?.rest();
  }
}
