import type { Config } from '../model/config.ts';
import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { Secret } from '../model/secret.ts';
import { standing } from '../model/standing.ts';
import type { DaemonStatus, RelayStatus } from '../model/status.ts';
import { checkByGuests } from '../plugin/check-config.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import type { Attendant } from './attendant.ts';
import { ConnectionTable } from './connection-table.ts';
import { clientRoom, descriptorLimit } from './descriptors.ts';
import { Desk } from './desk.ts';
import { EventLog } from './event-log.ts';
import { Ports } from './ports.ts';
import type { Questions } from './questions.ts';
import { Relay, type RelayPorts } from './relay.ts';
import type { TokenAnswer } from './relay-token.ts';
import { unknownRelay } from './unknown-relay.ts';
import { lanesBlockedBy } from './waiting-question.ts';
import type { WorkerKeeper } from './worker-keeper.ts';
import { Workers } from './workers.ts';

/** What the composition root hands over. */
export interface SupervisorOptions {
  readonly config: Config;
  readonly version: string;
  /** Folder for what must survive a restart (chosen ports); it exists, 0700. */
  readonly stateDir: string;
  /** Built-in plugins: name -> file URL of the module. */
  readonly builtins: Readonly<Record<string, string>>;
  /** The token that a person set for the backend of a relay; null: none. */
  readonly givenToken: (relay: string) => Promise<Secret | null>;
  /** Answers the questions of all relays from the start on; null: nobody is there. */
  readonly attendant?: Attendant | null;
}

/** The daemon's own process: owns listeners, workers, events. Never reads a forwarded byte. */
export interface Supervisor {
  /**
   * Binds listeners and starts workers; returns when each relay has been begun, not when it is connected. Rejects with CONFIG_INVALID where
   * a plugin refuses the config.
   */
  start(): Promise<void>;
  /** What all events so far amount to, with the live counts. */
  status(): DaemonStatus;
  /** Calls back for each event after number `after` (from the kept ring of 1,000, then live). Returns the unsubscribe. */
  subscribe(after: number, listener: (event: Event) => void): () => void;
  /** Starts a stopped relay; one that waits or is blocked tries again at once. Throws RELAY_UNKNOWN; NOT_RUNNING while it ends. */
  startRelay(name: string): Promise<void>;
  /** Closes the listeners, drains, ends the worker; resolves when all is closed. Throws RELAY_UNKNOWN. */
  stopRelay(name: string): Promise<void>;
  /** Drains a relay and begins anew; its listeners stay bound, and who comes meanwhile is held. Throws RELAY_UNKNOWN; NOT_RUNNING while the daemon ends. */
  restartRelay(name: string): Promise<void>;
  /** Has a sentence about the daemon itself told in log and events. */
  warn(text: string): void;
  /** The token of a relay's backend. Throws RELAY_UNKNOWN. */
  token(name: string): TokenAnswer;
  /** A person set another one, or took it away. Throws RELAY_UNKNOWN. */
  retoken(name: string): Promise<void>;
  /** The questions of relays that wait for a person. */
  readonly questions: Pick<Questions, 'attend' | 'answer' | 'decline'>;
  /** Drains every relay (together), then ends. `now()` cuts the drain short. Both are safe to call twice. */
  close(why: string): Promise<void>;
  now(): void;
}

/** So long the start waits for a plugin's module, ms. */
const loadingTime = 3_000;

/** Makes a supervisor that has opened nothing yet. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new Supervision(options);
}

class Supervision implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #events = new EventLog();
  readonly #desk: Desk;
  readonly #connections: ConnectionTable;
  readonly #relays = new Map<string, Relay>();
  readonly #workers: Workers;
  #closing: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { config, builtins } = options;
    this.#desk = new Desk({
      fact: (fact) => this.#events.add(fact),
      answered: (about) => {
        const blocked = lanesBlockedBy(about, this.#events.snapshot);
        for (const { relay, lane } of blocked) this.#relays.get(relay)?.answered(lane);
      },
      env: process.env,
    });
    if (options.attendant) this.#desk.questions.attend(null, options.attendant);
    const chosen = new Ports(options.stateDir, config.file, (relay, text) =>
      this.#events.add({ type: 'relay.warned', relay, text }),
    );
    this.#connections = new ConnectionTable(clientRoom(descriptorLimit(), config.relays.length));
    this.#workers = new Workers(config.relays, {
      message: (keeper, message) => this.#heard(keeper, message),
      gone: (keeper) => this.#desk.gone(keeper),
    });
    const ports: RelayPorts = {
      fact: (fact) => this.#events.add(fact),
      snapshot: (relay) => this.#events.snapshot.relays[relay] ?? null,
      keeper: (relay) => this.#workers.keeper(relay),
      settle: (relay, forward, listen) => chosen.settle(relay, forward, listen),
      mayBegin: () => this.#closing === null,
      connections: this.#connections,
    };
    for (const relay of config.relays) {
      const givenToken = () => options.givenToken(relay.name);
      const setting = { relay, sshConfig: config.sshConfig, builtins, givenToken };
      this.#relays.set(relay.name, new Relay(setting, ports));
    }
    this.#events.subscribe(0, (event) => {
      // A plugin that writes a line for each event would hear its own lines for ever.
      if ('relay' in event && event.type !== 'worker.said') this.#relays.get(event.relay)?.observe(event);
    });
  }

  async start(): Promise<void> {
    const { config, version } = this.#options;
    await this.#askGuests(config);
    this.#events.add({ type: 'daemon.started', pid: process.pid, version, config: config.file });
    for (const relay of this.#relays.values()) relay.declare();
    const relays = [...this.#relays.values()].filter((relay) => relay.config.start);
    await Promise.all(relays.map((relay) => relay.start(false)));
  }

  get questions(): Questions {
    return this.#desk.questions;
  }

  status(): DaemonStatus {
    const { relays, ...snapshot } = this.#events.snapshot;
    const shown = [...this.#relays].flatMap(([name, relay]): RelayStatus[] => {
      const folded = relays[name];
      return folded === undefined ? [] : [{ ...folded, standing: standing(folded), counters: relay.counters }];
    });
    return { ...snapshot, relays: shown };
  }

  subscribe(after: number, listener: (event: Event) => void): () => void {
    return this.#events.subscribe(after, listener);
  }

  async startRelay(name: string): Promise<void> {
    const relay = this.#relay(name);
    this.#refuseIfEnding();
    this.#desk.questions.renew(name);
    await relay.start(true);
    this.#refuseIfEnding();
    relay.nudge();
  }

  async stopRelay(name: string): Promise<void> {
    await this.#relay(name).stop('the user asked for it');
  }

  async restartRelay(name: string): Promise<void> {
    const relay = this.#relay(name);
    this.#refuseIfEnding();
    this.#desk.questions.renew(name);
    await relay.restart('the user asked for it');
    this.#refuseIfEnding();
  }

  warn(text: string): void {
    this.#events.add({ type: 'daemon.warned', text });
  }

  token(name: string): TokenAnswer {
    return this.#relay(name).token.answer;
  }

  async retoken(name: string): Promise<void> {
    await this.#relay(name).retoken();
  }

  close(why: string): Promise<void> {
    this.#closing ??= this.#close(why);
    return this.#closing;
  }

  now(): void {
    for (const relay of this.#relays.values()) relay.now();
    this.#workers.kill();
  }

  /** A plugin that cannot even be loaded blocks its own relay later; one that does not accept the config lets nothing begin. */
  async #askGuests(config: Config): Promise<void> {
    const checks = await checkByGuests(config, this.#options.builtins, loadingTime);
    const refused = checks.find(({ kind }) => kind === 'refused');
    if (refused !== undefined) throw refused.fault;
  }

  #refuseIfEnding(): void {
    if (this.#closing !== null) {
      throw new Fault('NOT_RUNNING', 'the daemon is ending; wait for it, then start it again with `towline up`');
    }
  }

  async #close(why: string): Promise<void> {
    this.#events.add({ type: 'daemon.stopping', why });
    await Promise.all([...this.#relays.values()].map((relay) => relay.stop(why)));
    await this.#workers.ended();
    this.#desk.close();
  }

  #relay(name: string): Relay {
    const relay = this.#relays.get(name);
    if (relay === undefined) throw unknownRelay(name, [...this.#relays.keys()]);
    return relay;
  }

  #heard(keeper: WorkerKeeper, message: Exclude<ToSupervisor, { lane: LaneId }>): void {
    switch (message.say) {
      case 'permit':
      case 'shaken':
      case 'ask':
      case 'withdraw':
        this.#desk.heard(keeper, message);
        break;
      case 'opened':
      case 'returned':
      case 'closed':
      case 'reset': {
        const connection = this.#connections.find(message.id);
        if (connection !== undefined) this.#relays.get(connection.client.relay)?.clients.heard(connection, message);
        break;
      }
      case 'ready':
      case 'pong':
        break;
    }
  }
}
