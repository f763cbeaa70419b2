import type { SendHandle } from 'node:child_process';
import { Fault } from '../model/fault.ts';
import { exceeded, intensity } from '../model/intensity.ts';
import type { LaneId, ToSupervisor, ToWorker } from '../protocol.ts';
import { WorkerProcess } from './worker-process.ts';

/** What a lane's relay hears of its worker. */
export interface LaneNews {
  /** A worker is ready for `open`. */
  ready(pid: number): void;
  /** The worker is gone; it comes back by itself unless the fault is WORKER_CRASHING, then after a rest. */
  gone(pid: number, fault: Fault): void;
  message(message: Extract<ToSupervisor, { lane: LaneId }>): void;
  traffic(sent: number, received: number): void;
}

/** What concerns no lane: permits and connections. `host` tells askers of different workers apart. */
export interface HostNews {
  message(host: WorkerHost, message: Exclude<ToSupervisor, { lane: LaneId }>): void;
  /** Nothing that this host's worker asked for or held is alive any more. */
  gone(host: WorkerHost): void;
}

/** Keeps one worker running for the lanes that live in it, within the restart intensity. */
export class WorkerHost {
  readonly #limit: number;
  readonly #news: HostNews;
  readonly #turn: Turnstile;
  readonly #lanes = new Map<LaneId, LaneNews>();
  readonly #idle: (() => void)[] = [];
  #process: WorkerProcess | null = null;
  #up = false;
  #leaving = false;
  #ends: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(limit: number, turn: Turnstile, news: HostNews) {
    this.#limit = limit;
    this.#turn = turn;
    this.#news = news;
  }

  /** Adds a lane; its `ready` is called as soon as a worker runs, and again after each restart. */
  attach(lane: LaneId, news: LaneNews): void {
    this.#lanes.set(lane, news);
    if (this.#process === null) this.#start();
    else if (this.#up) news.ready(this.#process.pid);
  }

  /** The lane has ended, or its relay gives it up. A worker without lanes is not restarted. */
  detach(lane: LaneId): void {
    this.#lanes.delete(lane);
    if (this.#lanes.size > 0) return;
    clearTimeout(this.#timer);
    if (this.#process === null) return this.#settle();
    this.#up = false;
    this.#leaving = true;
    this.#process.dismiss();
  }

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
    clearTimeout(this.#timer);
    if (this.#process !== null) return;
    // Two cores start two workers well; fifty at once would starve each other's deadlines.
    this.#turn.enter((leave) => {
      if (this.#lanes.size === 0 || this.#process !== null) return leave();
      const worker = new WorkerProcess(this.#limit, {
        message: (message) => {
          if (message.say === 'ready') {
            leave();
            this.#up = true;
            for (const lane of this.#lanes.values()) lane.ready(worker.pid);
          } else this.#route(message);
        },
        ended: (fault) => {
          leave();
          this.#ended(worker.pid, fault);
        },
      });
      this.#process = worker;
    });
  }

  #route(message: ToSupervisor): void {
    if ('lane' in message) this.#lanes.get(message.lane)?.message(message);
    else this.#news.message(this, message);
    if (message.say !== 'pong') return;
    for (const [id, [sent, received]] of Object.entries(message.traffic)) this.#lanes.get(id)?.traffic(sent, received);
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
    const now = Date.now();
    const crashing = exceeded(this.#ends, now);
    this.#ends = [...this.#ends, now].slice(-intensity.count);
    const said = crashing ? this.#crashing(fault) : fault;
    for (const lane of [...this.#lanes.values()]) lane.gone(pid, said);
    if (crashing) this.#ends = [];
    if (crashing) this.#timer = setTimeout(() => this.#start(), intensity.rest);
    else this.#start();
  }

  #crashing(last: Fault): Fault {
    const text = `the worker ended ${intensity.count + 1} times in ${intensity.period / 1000} s, last: ${last.message}; it is tried again each ${intensity.rest / 1000} s`;
    return new Fault('WORKER_CRASHING', text, { cause: last });
  }

  #settle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Lets so many through at once, the others in order. */
export class Turnstile {
  #free: number;
  readonly #queue: ((leave: () => void) => void)[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  /** Calls `enter` when it is its turn; it must call `leave` (once or more). */
  enter(enter: (leave: () => void) => void): void {
    this.#queue.push(enter);
    this.#next();
  }

  #next(): void {
    if (this.#free === 0) return;
    const enter = this.#queue.shift();
    if (enter === undefined) return;
    this.#free -= 1;
    let left = false;
    enter(() => {
      if (left) return;
      left = true;
      this.#free += 1;
      this.#next();
    });
    this.#next();
  }
}
