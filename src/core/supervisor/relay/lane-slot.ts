import type { BackendFacts } from '../../model/backend.ts';
import type { Builtins } from '../../model/builtin.ts';
import type { RelayConfig } from '../../model/config.ts';
import type { Fact } from '../../model/event.ts';
import type { Fault, FaultReport } from '../../model/fault.ts';
import { Secret } from '../../model/secret.ts';
import type { LaneId, LaneVitals, RemotePorts, ToSupervisor } from '../../protocol.ts';
import type { Turnstile } from '../../model/turnstile.ts';
import { factOf, isOfConfig } from './lane-facts.ts';
import { LaneMutex } from './lane-mutex.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** What a relay hears of one of its lanes, after the fact is in the snapshot. */
export interface SlotNews {
  /** Lets one lane of the relay at a time through. */
  readonly mutex: Turnstile;
  fact(fact: Fact): void;
  /** Its state or stage changed, or its worker is gone. */
  changed(): void;
  /** The worker is gone with all that it had. */
  gone(): void;
  /** The token that a person set for its backend. */
  given(): Secret | null;
  /** Its backend is ready; null: it has no token, or nobody knows one. */
  backed(backend: BackendFacts | null, token: Secret | null): void;
  /** A client of a `remote` forward was not served. */
  refused(forward: number, fault: FaultReport): void;
  /** These plugins of the relay loaded well in the worker and have a `daemon` half. */
  seated(plugins: readonly number[]): void;
}

/** What a lane needs to be opened in a worker. */
export interface SlotSetting {
  readonly relay: RelayConfig;
  readonly sshConfig: string | null;
  readonly builtins: Builtins;
  /** The token that a person set for the relay's backend; null: none. */
  readonly givenToken: () => Promise<Secret | null>;
}

/** What `${NAME}` in ssh_config means: it goes by message, for a worker's own environment is bare. */
function ownEnvironment(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

const nobody = { open: 0, accepted: 0 };
const still: LaneVitals = { sent: 0, received: 0, rtt: [], arrived: nobody };

/** The supervisor's side of one lane: opens it in each worker that its keeper starts, and turns what it says into facts. */
export class LaneSlot {
  readonly id: LaneId;
  readonly keeper: WorkerKeeper;
  /** Resolves when the lane has ended on purpose. */
  readonly ended: Promise<void>;
  readonly #index: number;
  #setting: SlotSetting;
  readonly #news: SlotNews;
  readonly #mutex: LaneMutex;
  #finish: () => void = () => undefined;
  #forced: boolean;
  #draining = false;
  #retired = false;
  #vitals = still;
  #before = still;

  /** `forced`: the user asked for the relay to be started. */
  constructor(index: number, setting: SlotSetting, forced: boolean, keeper: WorkerKeeper, news: SlotNews) {
    this.id = `${setting.relay.name}#${index}`;
    this.keeper = keeper;
    this.#index = index;
    this.#setting = setting;
    this.#forced = forced;
    this.#news = news;
    this.#mutex = new LaneMutex(news.mutex, (request) => {
      this.keeper.send({ say: 'acquired', lane: this.id, request });
    });
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Bytes over all workers that carried it, and the round trips of the present one. */
  get vitals(): LaneVitals {
    const { sent, received, rtt, arrived } = this.#vitals;
    const { accepted } = this.#before.arrived;
    return {
      sent: this.#before.sent + sent,
      received: this.#before.received + received,
      rtt,
      arrived: { open: arrived.open, accepted: accepted + arrived.accepted },
    };
  }

  start(): void {
    this.keeper.attach(this.id, {
      ready: (pid) => this.#ready(pid),
      gone: (pid, fault, until) => this.#gone(pid, fault, until),
      message: (message) => this.#heard(message),
      said: (text, count) => this.#news.fact({ type: 'worker.said', relay: this.#setting.relay.name, text, count }),
      vitals: (vitals) => {
        this.#vitals = vitals;
      },
    });
  }

  /** Why an attempt should be made sooner. A user's wish also ends a crashed worker's rest. */
  nudge(why: 'client' | 'network' | 'answer' | 'user'): void {
    const heard = this.keeper.send({ say: 'nudge', lane: this.id, why });
    if (why !== 'user' || heard) return;
    // No worker runs: the wish is for the next one.
    this.#forced = true;
    this.keeper.wake();
  }

  /** A person set another token, or took it away. */
  retoken(token: Secret | null): void {
    this.keeper.send({ say: 'token', lane: this.id, token: token?.reveal() ?? null });
  }

  /** Whether the `remote` forwards of the relay are this lane's; `ports`: where the host listened for them before. */
  appoint(on: boolean, ports: RemotePorts): void {
    this.keeper.send({ say: 'appoint', lane: this.id, on, ports });
  }

  /** So many clients of `remote` forwards may be open at once, in the next worker too. */
  limit(connections: number): void {
    const { relay } = this.#setting;
    if (relay.connections === connections) return;
    this.#setting = { ...this.#setting, relay: { ...relay, connections } };
    this.keeper.send({ say: 'limit', lane: this.id, connections });
  }

  /** Another lane answers, and this one does not: who has no channel yet goes there. */
  yield(): void {
    this.keeper.send({ say: 'yield', lane: this.id });
  }

  /** The config is another by now: what it says of forwards and of the backend is about those of the one before. */
  retire(): void {
    this.#retired = true;
  }

  /** Lets open connections end, then ends. */
  drain(): void {
    this.#draining = true;
    if (!this.keeper.send({ say: 'drain', lane: this.id })) this.#end();
  }

  /** Cuts who is served, then ends: when the worker says so, or is replaced because it says nothing at all. */
  stop(): void {
    this.#draining = true;
    if (!this.keeper.send({ say: 'stop', lane: this.id })) this.#end();
  }

  /** Ends without waiting for anything: its worker is killed. */
  abandon(): void {
    this.keeper.send({ say: 'stop', lane: this.id });
    this.#end();
  }

  #ready(pid: number): void {
    if (this.#draining) return this.#end();
    const { relay, sshConfig, builtins } = this.#setting;
    this.#news.fact({ type: 'worker.started', relay: relay.name, lane: this.#index, pid });
    const forced = this.#forced;
    this.#forced = false;
    const token = this.#news.given()?.reveal() ?? null;
    this.keeper.send({ say: 'open', lane: this.id, relay, forced, sshConfig, env: ownEnvironment(), token, builtins });
  }

  #gone(pid: number, fault: Fault, until: number | null): void {
    this.#before = { ...this.vitals, rtt: [] };
    this.#vitals = still;
    const at = { relay: this.#setting.relay.name, lane: this.#index };
    this.#news.fact({ type: 'worker.ended', ...at, pid, fault: fault.report(), until });
    this.#mutex.clear();
    this.#news.gone();
    this.#news.changed();
    if (this.#draining) this.#end();
  }

  #heard(message: Extract<ToSupervisor, { lane: LaneId }>): void {
    if (this.#retired && isOfConfig(message)) return;
    const fact = factOf(message, this.#setting.relay.name, this.#index);
    if (fact !== null) this.#news.fact(fact);
    switch (message.say) {
      case 'state':
        this.#news.changed();
        if (message.state.at === 'ended') this.#end();
        break;
      case 'stage':
        this.#news.changed();
        break;
      case 'backed':
        this.#news.backed(message.backend, message.token === null ? null : new Secret(message.token));
        break;
      case 'refused':
        this.#news.refused(message.forward, message.fault);
        break;
      case 'seated':
        this.#news.seated(message.plugins);
        break;
      case 'acquire':
        this.#mutex.acquire(message.request);
        break;
      case 'release':
        this.#mutex.release(message.request);
        break;
    }
  }

  #end(): void {
    this.#mutex.clear();
    this.keeper.detach(this.id);
    this.#finish();
  }
}
