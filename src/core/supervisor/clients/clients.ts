import type { Socket } from 'node:net';
import { longestOpen, type RelayConfig } from '../../model/config.ts';
import type { FaultReport } from '../../model/fault.ts';
import type { LaneId, ToSupervisor } from '../../protocol.ts';
import { abort, rawHandle } from '../../socket/raw-handle.ts';
import { forwardGone, neverAnswered, tooManyHeld, tooManyOpen, waitedInVain } from './client-faults.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';
import type { ClientsPorts, OpenLane } from './clients-ports.ts';
import { type Connection, describeClient } from './connection.ts';
import type { ConnectionTable } from './connection-table.ts';
import { HeldWatch } from './held-watch.ts';
import { Patience } from './patience.ts';
import type { Prospect } from './prospect.ts';

/** Who was handed over so often in vain waits from then on while he is handed over too, and is handed over when something has changed. */
const inVain = 4;
/**
 * Beyond the longest that the worker waits for a channel: plugins may be asked first. The worker knows how its link does and says what becomes of
 * each client, and a handle that did not come is told by its receipt; this is for what nobody foresees. ms
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
  #ending = false;
  #cutOpen = 0;
  accepted = 0;

  constructor(config: RelayConfig, table: ConnectionTable, ports: ClientsPorts) {
    this.#config = config;
    this.#table = table;
    this.#ports = ports;
    const held = () => [...this.#mine].filter(({ at }) => at === 'held');
    this.#watch = new HeldWatch(held, ports.departures, (connection) => this.#cut(connection));
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
      if (connection.forwardGone) continue;
      const forward = place(connection.client.forward);
      if (forward !== null) connection.client = { ...connection.client, forward };
      else if (connection.at !== 'open') this.#giveUp(connection, forwardGone(config.name));
      else connection.forwardGone = true;
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
        connection.patience?.rest();
        connection.at = 'open';
        break;
      case 'returned':
        this.#back(connection);
        break;
      case 'closed':
        this.#drop(connection);
        if (message.told !== null) this.#tell(connection, message.told);
        break;
      case 'reset':
        if (message.news) this.#refuse(connection, message.fault);
        else this.#cutShort(connection);
        break;
    }
  }

  /** A worker is gone: what it had opened is cut, what it had not opened is handed over again. */
  orphaned(lane: LaneId): void {
    for (const connection of [...this.#mine]) {
      if (connection.lane !== lane) continue;
      if (connection.at === 'open') this.#cutShort(connection);
      else if (connection.at === 'handed') {
        // Where its worker carries other relays it lives, and may have something to say of it yet.
        this.#table.renumber(connection);
        this.#back(connection);
      }
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
      else this.#clock(connection, prospect);
    }
    if (open) void this.#serve();
  }

  /** Cuts everything. */
  cutAll(): void {
    this.#ending = true;
    for (const connection of [...this.#mine]) this.#cutShort(connection);
  }

  /** Nobody comes any more: who is cut from now on is cut by the end of the relay. */
  drain(): void {
    this.#ending = true;
  }

  /** How many open connections the end has cut, once it is over. */
  drained(): number {
    const cut = this.#cutOpen;
    this.#ending = false;
    this.#cutOpen = 0;
    return cut;
  }

  /** Serves the held in order of arrival, less those that have left meanwhile. */
  async #serve(): Promise<void> {
    if (this.#serving) return;
    this.#serving = true;
    try {
      const glance = this.#watch.glance();
      const left = glance === null ? null : await glance;
      for (const connection of [...this.#mine]) {
        if (connection.at !== 'held') continue;
        const lane = this.#laneFor(connection);
        if (lane === null) {
          this.#wait(connection);
          continue;
        }
        if (left?.has(connection) === true) this.#cut(connection);
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
    const { hold } = this.#config;
    const patience = connection.patience?.left ?? hold.time;
    if (!lane.keeper.send({ say: 'connection', lane: lane.id, id, client, patience }, handle)) {
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
      this.#giveUp(connection, neverAnswered(name));
    }, longestOpen(deadlines) + handoverSlack);
  }

  #hold(connection: Connection): void {
    const { hold, name } = this.#config;
    const prospect = this.#ports.prospect(connection.client.forward);
    if (prospect.is === 'hopeless') return this.#refuse(connection, prospect.fault);
    if (this.#held > hold.connections) return this.#refuse(connection, tooManyHeld(name, hold.connections));
    // One for its life: a link that comes and goes must not have it wait anew each time.
    connection.patience ??= new Patience(hold.time, (stood) => {
      this.#giveUp(connection, waitedInVain(name, hold.time, stood));
    });
    this.#clock(connection, prospect);
    this.#watch.begin();
    this.#ports.hurry();
  }

  /** Who is about to be served waits for us, not for a link: that is not held against him, unless it was in vain again and again. */
  #clock({ patience, handovers }: Connection, prospect: Prospect): void {
    if (prospect.is === 'open' && handovers < inVain) patience?.rest();
    else patience?.run(!isLaunching(prospect));
  }

  /** He is not served now, whatever it looked like a moment ago. */
  #wait({ client, patience }: Connection): void {
    patience?.run(!isLaunching(this.#ports.prospect(client.forward)));
  }

  #back(connection: Connection): void {
    clearTimeout(connection.timer);
    connection.at = 'held';
    connection.lane = null;
    connection.keeper = null;
    this.#held += 1;
    this.#hold(connection);
    // A lane that takes and gives back for ever is not asked for ever.
    if (connection.handovers < inVain && this.#laneFor(connection) !== null) void this.#serve();
  }

  /** Its worker, if one has it, has another copy of its socket: as long as that is open the client waits on. */
  #giveUp(connection: Connection, fault: FaultReport): void {
    const { at, keeper, lane, id } = connection;
    // First: a reset counts for the last copy that is closed.
    this.#refuse(connection, fault);
    if (at === 'handed' && lane !== null) keeper?.send({ say: 'cut', lane, id });
  }

  #refuse(connection: Connection, fault: FaultReport): void {
    this.#cut(connection);
    this.#tell(connection, fault);
  }

  #tell({ client, forwardGone: gone }: Connection, fault: FaultReport): void {
    this.#ports.refused(gone ? null : client.forward, fault);
  }

  #cutShort(connection: Connection): void {
    if (this.#ending && connection.at === 'open') this.#cutOpen += 1;
    this.#cut(connection);
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
    connection.patience?.rest();
    if (!this.#mine.delete(connection)) return;
    this.#unhold(connection);
    this.#table.forget(connection);
  }

  #unhold(connection: Connection): void {
    if (connection.at === 'held') this.#held -= 1;
    if (connection.handovers < inVain) connection.patience?.rest();
  }
}

function isLaunching(prospect: Prospect): boolean {
  return prospect.is === 'held' && prospect.launching;
}
