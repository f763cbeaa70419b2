import type { RelayChange } from '../config/diff.ts';
import type { Config } from '../model/config.ts';
import type { Event, Fact } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { DaemonStatus } from '../model/status.ts';
import { checkByGuests } from '../plugin/check-config.ts';
import { Reaper } from '../process/reaper.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import { readTcpTable } from '../socket/tcp-table.ts';
import { ConnectionTable } from './clients/connection-table.ts';
import { Departures } from './clients/departures.ts';
import { clientRoom, descriptorLimit } from './descriptors.ts';
import { Desk } from './logins/desk.ts';
import { EventLog } from './event-log.ts';
import { watchLoop } from './loop-watch.ts';
import { watchNetwork } from './network-watch.ts';
import { Ports } from './listeners/ports.ts';
import type { Questions } from './logins/questions.ts';
import type { TokenAnswer } from './relay/relay-token.ts';
import { Relays } from './relay/relays.ts';
import { type Reloaded, Reloads, type Touch } from './reloads.ts';
import type { SlotSetting } from './relay/lane-slot.ts';
import type { Supervisor, SupervisorOptions } from './supervisor.ts';
import { lanesBlockedBy } from './logins/waiting-question.ts';
import type { WorkerKeeper } from './workers/worker-keeper.ts';
import { Workers } from './workers/workers.ts';

/** So long the start waits for a plugin's module, ms. */
const loadingTime = 3_000;

/** Within so many ms the workers notice one and the same wake. */
const oneWake = 3_000;

/** Joins the parts of the daemon's own process: relays, workers, desk and events. */
export class Supervision implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #events = new EventLog();
  readonly #desk: Desk;
  readonly #reaper = new Reaper();
  readonly #workers: Workers;
  readonly #relays: Relays;
  readonly #connections: ConnectionTable;
  readonly #reloads: Reloads;
  #begun: () => void = () => undefined;
  #closing: Promise<void> | null = null;
  #unwatch: () => void = () => undefined;
  /** When it was last told that the machine woke, ms of a clock that never jumps. */
  #woke = Number.NEGATIVE_INFINITY;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { config, stateDir } = options;
    const { file, relays } = config;
    const fact = (news: Fact) => this.#events.add(news);
    this.#desk = new Desk({
      fact,
      answered: (about) => this.#relays.answered(lanesBlockedBy(about, this.#events.snapshot)),
      env: process.env,
    });
    if (options.attendant) this.#desk.questions.attend(null, options.attendant);
    const ports = new Ports(stateDir, file, (relay, text) => fact({ type: 'relay.warned', relay, text }));
    this.#workers = new Workers(relays, this.#reaper, {
      message: (keeper, message) => this.#heard(keeper, message),
      gone: (keeper) => this.#desk.gone(keeper),
    });
    const limit = descriptorLimit();
    this.#connections = new ConnectionTable((count) => clientRoom(limit, count));
    this.#connections.share(relays.map(({ name }) => name));
    this.#relays = new Relays(this.#settings(config), {
      fact,
      snapshot: (relay) => this.#events.snapshot.relays[relay] ?? null,
      keeper: (relay) => this.#workers.keeper(relay),
      settle: (relay, forward) => ports.settle(relay, forward),
      keep: (relay, forward, port) => ports.keep(relay, forward, port),
      mayBegin: () => this.#closing === null,
      connections: this.#connections,
      departures: new Departures(readTcpTable),
      reaper: this.#reaper,
    });
    const begun = new Promise<void>((resolve) => {
      this.#begun = resolve;
    });
    this.#reloads = new Reloads(config, begun, {
      check: (next, { changed }) => this.#askGuests(next, changed),
      permit: () => this.#refuseIfEnding(),
      busy: (names) => this.#relays.busy(names),
      apply: async (next, diff) => {
        this.#workers.adopt(next.relays);
        this.#connections.share(next.relays.map(({ name }) => name));
        await this.#relays.apply(this.#settings(next), diff);
      },
      fact,
      pending: () => this.#events.snapshot.pending,
    });
    this.#events.subscribe(0, (event) => this.#relays.observe(event));
  }

  get config(): Config {
    return this.#reloads.config;
  }

  async start(): Promise<void> {
    const { config, version } = this.#options;
    await this.#askGuests(config);
    this.#events.add({ type: 'daemon.started', pid: process.pid, version, config: config.file });
    const ends = [
      watchLoop((time) => this.warn(stoodStill(time))),
      watchNetwork((change) => {
        this.#events.add({ type: 'network.changed', ...change });
        this.#relays.roam();
      }),
    ];
    this.#unwatch = () => {
      for (const end of ends) end();
    };
    await this.#relays.start();
    this.#begun();
  }

  reload(read: () => Promise<Config>, touch: Touch): Promise<Reloaded> {
    return this.#reloads.reload(read, touch);
  }

  get questions(): Questions {
    return this.#desk.questions;
  }

  status(): DaemonStatus {
    const { snapshot } = this.#events;
    return { ...snapshot, relays: this.#relays.shown(snapshot) };
  }

  answering(): boolean {
    return this.#workers.answer;
  }

  subscribe(after: number, listener: (event: Event) => void): () => void {
    return this.#events.subscribe(after, listener);
  }

  async startRelay(name: string): Promise<void> {
    const relay = this.#relays.named(name);
    this.#refuseIfEnding();
    this.#desk.questions.renew(name);
    await relay.start(true);
    this.#refuseIfEnding();
    relay.nudge('user');
  }

  async stopRelay(name: string): Promise<void> {
    await this.#relays.named(name).stop('the user asked for it');
  }

  async restartRelay(name: string): Promise<void> {
    const relay = this.#relays.named(name);
    this.#refuseIfEnding();
    this.#desk.questions.renew(name);
    await relay.restart('the user asked for it');
    this.#refuseIfEnding();
  }

  warn(text: string): void {
    this.#events.add({ type: 'daemon.warned', text });
  }

  token(name: string): TokenAnswer {
    return this.#relays.named(name).token.answer;
  }

  async retoken(name: string): Promise<void> {
    await this.#relays.named(name).retoken();
  }

  close(why: string): Promise<void> {
    this.#closing ??= this.#close(why);
    return this.#closing;
  }

  now(): void {
    this.#relays.now();
    this.#workers.kill();
  }

  /**
   * A plugin that cannot even be loaded blocks its own relay later; one that does not accept the config lets nothing begin. A relay that
   * works is not given up for one that could not start.
   */
  async #askGuests(config: Config, changed: readonly RelayChange[] = []): Promise<void> {
    const { builtins } = this.#options;
    const checks = await checkByGuests(config, { builtins, reaper: this.#reaper, loading: loadingTime, trial: false });
    const refused = checks.find(({ kind }) => kind === 'refused');
    if (refused !== undefined) throw refused.fault;
    const working = this.#relays.busy(changed.filter(({ anew }) => anew).map(({ name }) => name));
    const lost = checks.find(({ relay }) => working.includes(relay));
    if (lost === undefined) return;
    const text = `${lost.relay} has its link up, and could not start with this config: ${lost.fault.message}`;
    throw new Fault('CONFIG_INVALID', text, { cause: lost.fault });
  }

  #settings({ relays, sshConfig }: Config): readonly SlotSetting[] {
    const { builtins, givenToken } = this.#options;
    return relays.map((relay) => ({ relay, sshConfig, builtins, givenToken: () => givenToken(relay.name) }));
  }

  #refuseIfEnding(): void {
    if (this.#closing !== null) {
      throw new Fault('NOT_RUNNING', 'the daemon is ending; wait for it, then start it again with `towline up`');
    }
  }

  async #close(why: string): Promise<void> {
    this.#unwatch();
    this.#events.add({ type: 'daemon.stopping', why });
    // Who waits to reload is told so.
    this.#begun();
    await this.#relays.stop(why);
    await this.#workers.ended();
    await this.#reaper.ended();
    this.#desk.close();
  }

  #heard(keeper: WorkerKeeper, message: Exclude<ToSupervisor, { lane: LaneId }>): void {
    switch (message.say) {
      case 'permit':
      case 'reached':
      case 'shaken':
      case 'ask':
      case 'withdraw':
        this.#desk.heard(keeper, message);
        break;
      case 'opened':
      case 'returned':
      case 'closed':
      case 'reset':
        this.#relays.heard(keeper, message);
        break;
      case 'woke': {
        // Every worker says so; it is one sleep.
        const now = performance.now();
        if (now - this.#woke > oneWake) this.#events.add({ type: 'machine.woke', asleep: message.asleep });
        this.#woke = now;
        break;
      }
      case 'ready':
      case 'pong':
        break;
    }
  }
}

/** What was open went on meanwhile: workers carry it. */
function stoodStill(time: number): string {
  const lasted = `${(time / 1_000).toFixed(1)} s`;
  return `the daemon was busy with one thing for ${lasted}, took in nobody and answered nothing meanwhile; if it comes back, please report it with the log`;
}
