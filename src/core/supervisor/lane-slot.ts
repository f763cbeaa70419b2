import { dirname } from 'node:path';
import type { RelayConfig } from '../model/config.ts';
import type { Fact } from '../model/event.ts';
import type { Fault } from '../model/fault.ts';
import type { LaneState } from '../model/state.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import type { WorkerHost } from './worker-host.ts';

/** What a relay hears of one of its lanes. */
export interface SlotNews {
  fact(fact: Fact): void;
  /** The state changed; read it from the slot. */
  changed(): void;
  /** The worker is gone with all that it had. */
  gone(): void;
}

/** What a lane needs to be opened in a worker. */
export interface SlotSetting {
  readonly relay: RelayConfig;
  readonly sshConfig: string | null;
  readonly configFile: string;
  readonly builtins: Readonly<Record<string, string>>;
}

/** The supervisor's side of one lane: which worker carries it, and what it last said of itself. */
export class LaneSlot {
  readonly id: LaneId;
  readonly host: WorkerHost;
  readonly #index: number;
  readonly #setting: SlotSetting;
  readonly #news: SlotNews;
  readonly #done: Promise<void>;
  #finish: () => void = () => undefined;
  #state: LaneState = { at: 'idle' };
  #draining = false;
  #traffic: readonly [number, number] = [0, 0];
  #before: readonly [number, number] = [0, 0];

  constructor(index: number, setting: SlotSetting, host: WorkerHost, news: SlotNews) {
    this.id = `${setting.relay.name}#${index}`;
    this.host = host;
    this.#index = index;
    this.#setting = setting;
    this.#news = news;
    this.#done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get state(): LaneState {
    return this.#state;
  }

  /** Bytes sent and received, over all workers that carried it. */
  get traffic(): readonly [number, number] {
    return [this.#before[0] + this.#traffic[0], this.#before[1] + this.#traffic[1]];
  }

  /** Resolves when the lane has ended on purpose. */
  get ended(): Promise<void> {
    return this.#done;
  }

  start(): void {
    this.host.attach(this.id, {
      ready: (pid) => this.#ready(pid),
      gone: (pid, fault) => this.#gone(pid, fault),
      message: (message) => this.#heard(message),
      traffic: (sent, received) => {
        this.#traffic = [sent, received];
      },
    });
  }

  nudge(why: 'client' | 'wake' | 'files' | 'user'): void {
    this.host.send({ say: 'nudge', lane: this.id, why });
  }

  /** Lets open connections end, then ends. */
  drain(): void {
    this.#draining = true;
    if (!this.host.send({ say: 'drain', lane: this.id })) this.#end();
  }

  /** Ends without waiting for anything. */
  abandon(): void {
    this.host.send({ say: 'stop', lane: this.id });
    this.#end();
  }

  #ready(pid: number): void {
    if (this.#draining) return this.#end();
    const { relay, sshConfig, configFile, builtins } = this.#setting;
    this.#news.fact({ type: 'worker.started', relay: relay.name, lane: this.#index, pid });
    this.host.send({
      say: 'open',
      lane: this.id,
      index: this.#index,
      relay,
      sshConfig,
      builtins,
      base: dirname(configFile),
    });
  }

  #gone(pid: number, fault: Fault): void {
    this.#before = this.traffic;
    this.#traffic = [0, 0];
    this.#state = { at: 'idle' };
    this.#news.fact({
      type: 'worker.ended',
      relay: this.#setting.relay.name,
      lane: this.#index,
      pid,
      fault: fault.report(),
    });
    this.#news.gone();
    if (this.#draining) this.#end();
  }

  #heard(message: Extract<ToSupervisor, { lane: LaneId }>): void {
    const at = { relay: this.#setting.relay.name, lane: this.#index };
    switch (message.say) {
      case 'state':
        this.#state = message.state;
        this.#news.fact({ type: 'lane.changed', ...at, state: message.state });
        this.#news.changed();
        if (message.state.at === 'ended') this.#end();
        break;
      case 'stage':
        this.#news.fact({ type: 'lane.advanced', ...at, stage: message.stage });
        break;
      case 'link':
        this.#news.fact({ type: 'link.opened', ...at, link: message.link });
        break;
      case 'judged': {
        const { forward, judgement, fault, rtt } = message;
        this.#news.fact({ type: 'forward.judged', relay: at.relay, forward, judgement, fault, rtt });
        break;
      }
      case 'warned':
        this.#news.fact({ type: 'relay.warned', relay: at.relay, text: message.text });
        break;
      case 'plugin-failed':
        this.#news.fact({ type: 'plugin.failed', relay: at.relay, plugin: message.plugin, fault: message.fault });
        break;
    }
  }

  #end(): void {
    this.#state = { at: 'ended' };
    this.host.detach(this.id);
    this.#finish();
  }
}
