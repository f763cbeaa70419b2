import { ChildProcess, fork, type SendHandle } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { scrubbedEnvironment } from '../../plugin/environment.ts';
import type { ToSupervisor, ToWorker } from '../../protocol.ts';
import { Lines } from '../../socket/lines.ts';
import { guardChannel } from './guarded-channel.ts';

const entry = fileURLToPath(new URL('../../worker/entry.js', import.meta.url));

/** A worker that says nothing for so long hangs; one that is not ready by then never will be. ms. */
const heartbeat = { every: 1_000, silence: 5_000, start: 30_000 };

/** How long the last words of a dead worker are waited for, ms: what it started may hold its stderr for ever. */
const lastWords = 200;

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

/** One forked worker: its messages, its heartbeat, its memory. It is not restarted here. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  #limit: number;
  #reason: Fault | null = null;
  #heard = performance.now();
  #ticked = performance.now();
  #ready = false;
  #n = 0;
  #said = '';
  /** Clients whose handles are on the way, in their order. */
  readonly #sent: number[] = [];

  /** `limit`: resident bytes above which it is ended. */
  constructor(limit: number, news: WorkerNews) {
    this.#limit = limit;
    this.#child = forkEntry();
    const beat = setInterval(() => this.#beat(), heartbeat.every);
    const lines = new Lines((line, skipped) => news.said(line, skipped));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.add(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000);
      lines.add(text);
    });
    const garbled = (cause?: unknown) => this.#garbled(cause);
    const understood = guardChannel(this.#child, garbled, (came) => {
      const id = this.#sent.shift();
      // What the worker would say, had it heard of the client.
      if (!came && id !== undefined) news.message({ say: 'returned', id });
    });
    this.#child.on('message', (message: unknown) => {
      understood();
      this.#heard = performance.now();
      if (!isSaid(message)) return this.#garbled();
      if (message.say === 'ready') this.#ready = true;
      if (message.say === 'pong') this.#weigh(message.rss);
      try {
        news.message(message);
      } catch (error) {
        // A worker's own words are well formed: something else in that process speaks in its name.
        this.#garbled(error);
      }
    });
    let over = false;
    const end = (fault: Fault) => {
      if (over) return;
      over = true;
      clearInterval(beat);
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
      news.ended(fault);
    };
    this.#child.on('error', (error) => {
      const text = `a worker could not be started: ${printable(error.message)}; see what the system lacks`;
      this.#reason ??= new Fault('WORKER_FAILED', text, { cause: error });
      // Without a pid there will be no 'exit'.
      if (this.#child.pid === undefined) end(this.#reason);
    });
    // 'close' follows once all that it said on stderr has arrived.
    this.#child.on('exit', (code, signal) => {
      const gone = () => end(this.#reason ?? this.#endFault(code, signal));
      const late = setTimeout(gone, lastWords);
      this.#child.once('close', () => {
        clearTimeout(late);
        gone();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
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
    if (!this.#child.connected) return false;
    // A failed send means that the worker is ending: 'close' tells it.
    if (handle === undefined) this.#child.send(message, () => undefined);
    else {
      if (message.say === 'connection') this.#sent.push(message.id);
      this.#child.send(message, handle, { keepOpen: true }, (error) => this.#unsent(message, error));
    }
    return true;
  }

  /** Lets it go; it has no lane any more, or never had one. A disconnect from this side would never lead to 'close'. */
  dismiss(): void {
    if (!this.#ready || !this.send({ say: 'leave' })) this.#child.kill('SIGKILL');
  }

  /** Ends it at once. */
  kill(fault: Fault): void {
    this.#reason ??= fault;
    this.#child.kill('SIGKILL');
  }

  /** No receipt comes for what did not leave: its client was cut while it waited for others to arrive, or the worker is gone. */
  #unsent(message: ToWorker, error: Error | null): void {
    const at = error === null || message.say !== 'connection' ? -1 : this.#sent.indexOf(message.id);
    if (at >= 0) this.#sent.splice(at, 1);
  }

  #garbled(cause?: unknown): void {
    const text = `worker ${this.pid} said what no worker says and is replaced; if it comes back, look at the relay's plugins`;
    this.kill(new Fault('WORKER_FAILED', text, { cause }));
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
    if (now - this.#heard > 1.5 * heartbeat.every) this.#weigh(residentSize(this.pid));
    this.#n += 1;
    if (this.#ready) this.send({ say: 'ping', n: this.#n });
  }

  #weigh(rss: number): void {
    if (rss <= this.#limit) return;
    const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
    const text = `worker ${this.pid} used ${mib(rss)} of ${mib(this.#limit)} and is replaced; raise memory, or look for stalled clients`;
    this.kill(new Fault('WORKER_BLOATED', text));
  }

  #endFault(code: number | null, signal: NodeJS.Signals | null): Fault {
    const how = signal === null ? `exited with ${code}` : `was killed by ${signal}`;
    const last = printable(lastLine(this.#said));
    const said = last === '' ? '' : ` ("${last}")`;
    return new Fault('WORKER_FAILED', `worker ${this.pid} ${how}${said}; it is restarted`);
  }
}

/** A process that could not be made tells so as an 'error'; where Node throws instead (ENOMEM among others) it is told in the same way. */
function forkEntry(): ChildProcess {
  try {
    return fork(entry, [], {
      env: { ...threads, ...scrubbedEnvironment(process.env) },
      execArgv: flags,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
  } catch (error) {
    const nobody = new ChildProcess();
    process.nextTick(() => nobody.emit('error', error));
    return nobody;
  }
}

/** Whether what came from a worker is a message at all: a plugin in it may use its channel. */
function isSaid(message: unknown): message is ToSupervisor {
  return typeof message === 'object' && message !== null && 'say' in message && typeof message.say === 'string';
}

/** Resident bytes of a process by proc_pid_status(5); 0 where that is not told. */
function residentSize(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    // It is gone, or this is not Linux.
    return 0;
  }
}

/** The line of a Node crash report that names the error. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /^\w*(Error|Fault)\b/.test(line)) ?? lines.at(-1) ?? '';
}
