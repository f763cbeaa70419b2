import type { SendHandle } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { scrubbedEnvironment } from '../../plugin/environment.ts';
import { Forked, type ForkedEnd } from '../../process/forked.ts';
import { heldBytes } from '../../process/held-bytes.ts';
import { bundled } from '../../process/own-files.ts';
import type { ToSupervisor, ToWorker } from '../../protocol.ts';

const entry = fileURLToPath(bundled('core/worker/entry'));

/** A worker that says nothing for so long hangs; one that is not ready by then never will be. ms. */
const heartbeat = { every: 1_000, silence: 5_000, start: 30_000 };

/**
 * Where V8 begins to collect the whole heap, MiB. It counts the buffers of a stream too and would settle just above a worker's few MB of
 * code: 160 whole collections instead of 8 in four streams of 800 MB, 1.7 instead of 1.1 s of CPU a GB up, 1.2 instead of 0.6 down.
 */
const flags = ['--initial-old-space-size=128'];

/**
 * Threads that resolve names and read files. libuv gives half of them to names, and a silent name server keeps each for 10 s and more: of
 * the usual four two would be left, and twenty relays in one worker kept the others from their own names for good. They share 1 MB.
 */
const threads = { UV_THREADPOOL_SIZE: '128' };

/** What the keeper hears of its worker. */
export interface WorkerNews {
  /** In the order in which it was said. */
  message(message: ToSupervisor): void;
  /** A line that it wrote to stdout or stderr, escaped; `skipped`: how many were left out before it. */
  said(line: string, skipped: number): void;
  /** It is gone; `fault` says why. Called once. */
  ended(fault: Fault): void;
}

/** One worker: its heartbeat, its memory. It is not restarted here. */
export class WorkerProcess {
  readonly #forked: Forked;
  readonly #news: WorkerNews;
  readonly #beats: NodeJS.Timeout;
  #limit: number;
  #reason: Fault | null = null;
  #heard = performance.now();
  #ticked = performance.now();
  #ready = false;
  #n = 0;
  /** Clients whose handles are on the way, in their order. */
  readonly #sent: number[] = [];

  /** `limit`: resident bytes above which it is ended. */
  constructor(limit: number, news: WorkerNews) {
    this.#limit = limit;
    this.#news = news;
    const options = { env: { ...threads, ...scrubbedEnvironment(process.env) }, flags };
    this.#forked = new Forked(entry, options, {
      message: (message) => this.#hear(message),
      garbled: (cause) => this.#garbled(cause),
      cut: () => this.#cut(),
      said: (line, skipped) => news.said(line, skipped),
      receipt: (came) => {
        const id = this.#sent.shift();
        // What the worker would say, had it heard of the client.
        if (!came && id !== undefined) news.message({ say: 'returned', id });
      },
      ended: (end) => {
        clearInterval(this.#beats);
        news.ended(this.#reason ?? this.#endFault(end));
      },
    });
    this.#beats = setInterval(() => this.#beat(), heartbeat.every);
  }

  get pid(): number {
    return this.#forked.pid;
  }

  /** Whether it has given a sign of life lately; one that has not is ended at the next beat. */
  get answers(): boolean {
    const now = performance.now();
    // This process itself was away: the next beat knows more.
    if (now - this.#ticked > 2 * heartbeat.every) return true;
    return now - this.#heard <= (this.#ready ? heartbeat.silence : heartbeat.start);
  }

  /** Another number of resident bytes above which it is ended. */
  limit(memory: number): void {
    this.#limit = memory;
  }

  /** Sends a message, with an accepted socket's handle beside it. False: the worker is gone. */
  send(message: ToWorker, handle?: SendHandle): boolean {
    if (handle === undefined || message.say !== 'connection') return this.#forked.send(message, handle);
    this.#sent.push(message.id);
    const isSent = this.#forked.send(message, handle, (error) => {
      if (error !== null) this.#unsent(message.id);
    });
    if (!isSent) this.#unsent(message.id);
    return isSent;
  }

  /** Lets it go; it has no lane any more, or never had one. A disconnect from this side would never lead to 'close'. */
  dismiss(): void {
    if (!this.#ready || !this.send({ say: 'leave' })) this.#forked.kill();
  }

  /** Ends it at once. */
  kill(fault: Fault): void {
    this.#reason ??= fault;
    this.#forked.kill();
  }

  #hear(message: unknown): void {
    this.#heard = performance.now();
    if (!isSaid(message)) return this.#garbled();
    if (message.say === 'ready') this.#ready = true;
    if (message.say === 'pong') this.#weigh(message.rss);
    this.#news.message(message);
  }

  /** No receipt comes for what did not leave: its client was cut while it waited for others to arrive, or the worker is gone. */
  #unsent(id: number): void {
    const at = this.#sent.indexOf(id);
    if (at >= 0) this.#sent.splice(at, 1);
  }

  #garbled(cause?: unknown): void {
    const text = `worker ${this.pid} said what no worker says and is replaced; if it comes back, look at the relay's plugins`;
    this.kill(new Fault('WORKER_FAILED', text, { cause }));
  }

  #cut(): void {
    const text = `worker ${this.pid} closed its channel and is replaced; if it comes back, look at the relay's plugins`;
    this.kill(new Fault('WORKER_FAILED', text));
  }

  #beat(): void {
    const now = performance.now();
    // This process itself was away: that is not the worker's silence.
    if (now - this.#ticked > 2 * heartbeat.every) this.#heard = now;
    this.#ticked = now;
    const limit = this.#ready ? heartbeat.silence : heartbeat.start;
    if (now - this.#heard > limit) {
      const text = `worker ${this.pid} gave no sign of life for ${limit / 1000} s and is replaced; if it comes back, look at the relay's plugins`;
      return this.kill(new Fault('WORKER_HUNG', text));
    }
    // One that fills its memory in a loop does not answer, and would have many GB by the time it counts as hung.
    if (now - this.#heard > 1.5 * heartbeat.every) this.#weigh(heldBytes(this.pid));
    this.#n += 1;
    if (this.#ready) this.send({ say: 'ping', n: this.#n });
  }

  #weigh(rss: number): void {
    if (rss <= this.#limit) return;
    const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
    const text = `worker ${this.pid} used ${mib(rss)} of ${mib(this.#limit)} and is replaced; raise memory, or look for stalled clients`;
    this.kill(new Fault('WORKER_BLOATED', text));
  }

  #endFault(end: ForkedEnd): Fault {
    if (end.error === null) return new Fault('WORKER_FAILED', `worker ${this.pid} ${end.how}; it is restarted`);
    const text = `a worker could not be started: ${printable(end.error.message)}; see what the system lacks`;
    return new Fault('WORKER_FAILED', text, { cause: end.error });
  }
}

/** Whether what came from a worker is a message at all: a plugin in it may use its channel. */
function isSaid(message: unknown): message is ToSupervisor {
  return typeof message === 'object' && message !== null && 'say' in message && typeof message.say === 'string';
}
