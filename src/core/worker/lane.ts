import { homedir, userInfo } from 'node:os';
import { Fault, type FaultReport } from '../model/fault.ts';
import type { LaneState, Stage } from '../model/state.ts';
import { type LaneEffect, type LaneInput, step } from '../model/step.ts';
import type { Event, Judgement } from '../model/event.ts';
import type { ClientConnection } from '../model/plugin.ts';
import { Guests } from '../plugin/guests.ts';
import { loadGuest } from '../plugin/load.ts';
import type { LaneId, ToSupervisor, ToWorker } from '../protocol.ts';
import type { HostConfig } from '../ssh/host-config.ts';
import { openLink } from '../ssh/open-link.ts';
import { resolveRoute, routeKey } from '../ssh/route.ts';
import { Clients } from './clients.ts';
import { type Stamps, stampFiles, watchFiles } from './file-watch.ts';
import type { Lease, Links } from './links.ts';
import type { Permits } from './permits.ts';
import { TargetWatch } from './target-watch.ts';

type Open = Extract<ToWorker, { say: 'open' }>;

/** What a lane needs of its process. `say` resolves when the message is with the supervisor's kernel. */
export interface LanePorts {
  readonly say: (message: ToSupervisor) => Promise<void>;
  readonly links: Links;
  readonly permits: Permits;
  /** Called once, when the lane has ended. */
  readonly ended: (lane: LaneId) => void;
}

/** One link of a relay with its channels: performs what `step` decides, assigns the state and announces it. */
export class Lane {
  readonly #open: Open;
  readonly #ports: LanePorts;
  readonly #guests: Guests;
  readonly #clients: Clients;
  #state: LaneState = { at: 'idle' };
  #seated: Promise<void> | null = null;
  #lease: Lease | null = null;
  #dialing: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: () => void = () => undefined;
  #watches: TargetWatch[] = [];
  #stamps: Stamps = { files: [], at: '' };
  #key: string;

  constructor(open: Open, ports: LanePorts) {
    this.#open = open;
    this.#ports = ports;
    this.#key = open.lane;
    this.#guests = new Guests((plugin, fault, fatal) => {
      void ports.say({ say: 'plugin-failed', lane: open.lane, plugin, fault: fault.report() });
      if (fatal) this.input({ type: 'lost', fault: fault.report() });
    });
    this.#clients = new Clients(open.relay.forwards, this.#guests, ports.say, {
      served: (forward, fault) => this.#watches[forward]?.served(fault),
      emptied: () => {
        if (this.#state.at === 'draining') this.input({ type: 'stop' });
      },
    });
  }

  /** Decides, assigns, announces, performs. The only place where a lane's state changes. */
  input(input: LaneInput): void {
    const { settle, drain } = this.#open.relay;
    const before = this.#state;
    const next = step(before, input, now(), { settle, drain, random: this.#ports.links.jitter(this.#key) });
    this.#state = next.state;
    if (next.state.at !== 'blocked') this.#unwatch();
    if (next.state !== before) void this.#ports.say({ say: 'state', lane: this.#open.lane, state: next.state });
    for (const effect of next.effects) this.#perform(effect);
    if (next.state.at === 'ended' && before.at !== 'ended') {
      this.#guests.dismiss();
      this.#ports.ended(this.#open.lane);
    }
  }

  /** A client's socket has arrived. Without a link it goes back unread. */
  connect(id: number, client: ClientConnection, handle: unknown): void {
    const link = this.#state.at === 'up' ? (this.#lease?.link ?? null) : null;
    this.#clients.take(id, client, handle, link);
  }

  /** Bytes since the lane began: sent, received. */
  get traffic(): readonly [number, number] {
    return [this.#clients.traffic.sent, this.#clients.traffic.received];
  }

  observe(event: Event): void {
    this.#guests.observe(event);
  }

  #perform(effect: LaneEffect): void {
    switch (effect.do) {
      case 'dial':
        void this.#dial(effect.forced);
        break;
      case 'cancel-dial':
        this.#dialing?.abort(new Fault('LINK_LOST', 'the attempt was given up; nothing to do'));
        break;
      case 'close-link':
        this.#closeLink();
        break;
      case 'arm':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.input({ type: 'timer' }), Math.max(0, effect.at - now()));
        break;
      case 'disarm':
        clearTimeout(this.#timer);
        break;
      case 'watch-files':
        this.#unwatch();
        this.#unwatch = watchFiles(this.#stamps, () => this.input({ type: 'nudge', why: 'files' }));
        break;
      case 'drain':
        if (this.#clients.size === 0) queueMicrotask(() => this.input({ type: 'stop' }));
        break;
    }
  }

  async #dial(forced: boolean): Promise<void> {
    const controller = new AbortController();
    this.#dialing = controller;
    try {
      const lease = await this.#connect(forced, controller.signal);
      this.#dialing = null;
      if (controller.signal.aborted) return lease.release();
      this.#lease = lease;
      void this.#ports.say({ say: 'link', lane: this.#open.lane, link: lease.link.facts });
      this.input({ type: 'linked' });
      // Lost in the same breath: onLost calls back at once.
      lease.link.onLost((fault) => {
        if (this.#lease === lease) this.input({ type: 'lost', fault: fault.report() });
      });
      if (this.#lease === lease) this.#watch(lease);
    } catch (error) {
      this.#dialing = null;
      if (!controller.signal.aborted) this.input({ type: 'failed', fault: Fault.from(error).report() });
    }
  }

  async #connect(forced: boolean, signal: AbortSignal): Promise<Lease> {
    const { relay, sshConfig, lane } = this.#open;
    await this.#seat();
    const { homedir: home, username } = { homedir: homedir(), username: userInfo().username };
    const ask = { sshConfig, home, localUser: username, env: process.env };
    this.#stamps = await stampFiles(sshConfig === null ? [`${home}/.ssh/config`, '/etc/ssh/ssh_config'] : [sshConfig]);
    const route = await resolveRoute(relay.host, ask);
    this.#stamps = await stampFiles([...new Set(route.flatMap(filesOf))]);
    const warn = (text: string) => void this.#ports.say({ say: 'warned', lane, text });
    for (const warning of new Set(route.flatMap((host) => host.warnings))) warn(warning);
    signal.throwIfAborted();
    this.#key = relay.isolation === 'shared' ? routeKey(route) : lane;
    const open = (aborted: AbortSignal) =>
      openLink({
        route,
        keepalive: relay.keepalive,
        deadlines: relay.deadlines,
        permit: (host, account, until) => this.#ports.permits.ask(host, account, forced, until),
        onNote: warn,
        onStage: (stage: Stage) => void this.#ports.say({ say: 'stage', lane, stage }),
        signal: aborted,
      });
    return this.#ports.links.acquire(this.#key, open, signal);
  }

  /** Loads the plugins once; a failed load is tried again with the next attempt. */
  #seat(): Promise<void> {
    const { relay, builtins, base } = this.#open;
    this.#seated ??= Promise.all(relay.plugins.map((use) => loadGuest(use, builtins, base))).then((guests) =>
      this.#guests.seat(guests, 'relay', relay.name),
    );
    this.#seated.catch(() => {
      this.#seated = null;
    });
    return this.#seated;
  }

  #watch(lease: Lease): void {
    this.#watches = this.#open.relay.forwards.map((forward, index) => {
      const report = (judgement: Judgement, fault: Fault | null, rtt: number | null) => {
        const said: FaultReport | null = fault === null ? null : fault.report();
        void this.#ports.say({ say: 'judged', lane: this.#open.lane, forward: index, judgement, fault: said, rtt });
      };
      return new TargetWatch(forward, lease.link, report);
    });
  }

  #closeLink(): void {
    const lease = this.#lease;
    this.#lease = null;
    for (const watch of this.#watches) watch.stop();
    this.#watches = [];
    if (lease === null) return;
    this.#clients.abandon(new Fault('LINK_LOST', 'the relay was stopped before the connection ended; nothing to do'));
    lease.release();
  }
}

/** Like Date.now(), but never jumps: a clock that is set back must not prolong a wait. */
function now(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

/** Every file whose change may let an attempt succeed. */
function filesOf(host: HostConfig): readonly string[] {
  const agent = host.agent === null ? [] : [host.agent];
  return [...host.files, ...host.identityFiles, ...host.knownHostsFiles, ...agent];
}
