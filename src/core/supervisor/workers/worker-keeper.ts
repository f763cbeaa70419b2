import type { SendHandle } from 'node:child_process';
import { Fault } from '../../model/fault.ts';
import { intensity, type Restart, Restarts } from '../../model/intensity.ts';
import type { LaneId, LaneVitals, ToSupervisor, ToWorker } from '../../protocol.ts';
import type { Turnstile } from '../../model/turnstile.ts';
import type { Reaper } from '../../process/reaper.ts';
import { WorkerProcess } from './worker-process.ts';

/** What a lane hears of its worker. */
export interface LaneNews {
  /** A worker is ready for `open`. */
  ready(pid: number): void;
  /** The worker is gone. Another one is started soon, or where the fault is WORKER_CRASHING at `until` (ms since the epoch). */
  gone(pid: number, fault: Fault, until: number | null): void;
  message(message: Extract<ToSupervisor, { lane: LaneId }>): void;
  vitals(vitals: LaneVitals): void;
  /** A line that the worker, or a plugin in it, wrote. Of lanes that share a worker only the first one hears it. */
  said(line: string, skipped: number): void;
}

/** What concerns no lane: permits and connections. The keeper tells askers of different workers apart. */
export interface KeeperNews {
  message(keeper: WorkerKeeper, message: Exclude<ToSupervisor, { lane: LaneId }>): void;
  /** Nothing that this keeper's worker asked for or held is alive any more. */
  gone(keeper: WorkerKeeper): void;
}

/** Keeps one worker running for the lanes that live in it, within the restart intensity. */
export class WorkerKeeper {
  #limit: number;
  readonly #news: KeeperNews;
  readonly #starts: Turnstile;
  readonly #reaper: Reaper;
  readonly #lanes = new Map<LaneId, LaneNews>();
  readonly #idle: (() => void)[] = [];
  #process: WorkerProcess | null = null;
  #up = false;
  #leaving = false;
  #settled = false;
  readonly #restarts = new Restarts();
  /** When the last worker was started, ms of a clock that never jumps. */
  #since = 0;
  #rest: NodeJS.Timeout | undefined;

  /** `limit`: resident bytes above which a worker is replaced. `starts`: lets few workers start at once. `reaper`: ends them with the daemon. */
  constructor(limit: number, starts: Turnstile, reaper: Reaper, news: KeeperNews) {
    this.#limit = limit;
    this.#starts = starts;
    this.#reaper = reaper;
    this.#news = news;
  }

  /** Whether its worker, if it has one, gives signs of life. */
  get answers(): boolean {
    return this.#process?.answers ?? true;
  }

  /** It had lanes, and all of them have ended with their worker. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Adds a lane; its `ready` is called as soon as a worker runs, and again after each restart. */
  attach(lane: LaneId, news: LaneNews): void {
    this.#lanes.set(lane, news);
    this.#settled = false;
    if (this.#process === null) this.#start();
    else if (this.#up) news.ready(this.#process.pid);
  }

  /** The lane has ended, or its relay gives it up. A worker without lanes is let go and not restarted. */
  detach(lane: LaneId): void {
    this.#lanes.delete(lane);
    if (this.#lanes.size > 0) return;
    clearTimeout(this.#rest);
    if (this.#process === null) return this.#settle();
    this.#up = false;
    this.#leaving = true;
    this.#process.dismiss();
  }

  /** Resident bytes above which a worker is replaced, from now on. */
  limit(memory: number): void {
    this.#limit = memory;
    this.#process?.limit(memory);
  }

  /** The user does not want to wait for the rest to be over. */
  wake(): void {
    if (this.#process !== null || this.#lanes.size === 0) return;
    this.#restarts.forgive();
    this.#start();
  }

  /** False: no worker runs that could hear it. */
  send(message: ToWorker, handle?: SendHandle): boolean {
    return this.#up ? (this.#process?.send(message, handle) ?? false) : false;
  }

  /** Ends the worker now. */
  kill(fault: Fault): void {
    this.#process?.kill(fault);
  }

  /** Resolves when no worker runs and none is to come. */
  ended(): Promise<void> {
    if (this.#process === null && this.#lanes.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #start(): void {
    clearTimeout(this.#rest);
    // Two cores start two workers well; fifty at once would starve each other's deadlines.
    this.#starts.enter((leave) => {
      if (this.#lanes.size === 0 || this.#process !== null) return leave();
      const worker: WorkerProcess = new WorkerProcess(this.#limit, {
        message: (message) => {
          if (this.#process !== worker) return;
          if (message.say !== 'ready') return this.#route(message);
          leave();
          this.#up = true;
          for (const lane of [...this.#lanes.values()]) lane.ready(worker.pid);
        },
        said: (line, skipped) => [...this.#lanes.values()][0]?.said(line, skipped),
        ended: (fault) => {
          leave();
          this.#reaper.forget(worker.pid);
          if (this.#process === worker) this.#ended(worker.pid, fault);
        },
      });
      this.#process = worker;
      this.#since = performance.now();
      if (worker.pid > 0) this.#reaper.watch(worker.pid);
    });
  }

  #route(message: ToSupervisor): void {
    if ('lane' in message) this.#lanes.get(message.lane)?.message(message);
    else this.#news.message(this, message);
    if (message.say !== 'pong') return;
    for (const [id, vitals] of Object.entries(message.vitals)) this.#lanes.get(id)?.vitals(vitals);
  }

  #ended(pid: number, fault: Fault): void {
    const left = this.#leaving;
    this.#process = null;
    this.#up = false;
    this.#leaving = false;
    this.#news.gone(this);
    if (this.#lanes.size === 0) return this.#settle();
    // A lane came while the worker of the last one was on its way out.
    if (left) return this.#start();
    const now = performance.now();
    const { crashing, wait } = this.#restarts.ended(now - this.#since, now);
    const until = crashing === null ? null : Date.now() + wait;
    const told = crashing === null ? fault : crashingFault(fault, crashing);
    for (const lane of [...this.#lanes.values()]) lane.gone(pid, told, until);
    // The last lane may have ended with its worker.
    if (this.#lanes.size === 0) return;
    if (wait === 0) this.#start();
    else this.#rest = setTimeout(() => this.#start(), wait);
  }

  #settle(): void {
    this.#settled = true;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function crashingFault(last: Fault, crashing: NonNullable<Restart['crashing']>): Fault {
  const { count, period, rest } = intensity;
  const often =
    crashing === 'budget' ? `${count + 1} times in ${period / 1000} s` : `again, after a rest of ${rest / 1000} s`;
  const text = `the worker ended ${often}, last: ${last.message}; it is tried again each ${rest / 1000} s`;
  return new Fault('WORKER_CRASHING', text, { cause: last });
}
