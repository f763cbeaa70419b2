import { Worker } from 'node:worker_threads';
import type { Builtins } from '../model/builtin.ts';
import type { Config, PluginUse } from '../model/config.ts';
import type { Event } from '../model/event.ts';
import { Fault, type FaultReport } from '../model/fault.ts';
import { hooks } from '../model/hooks.ts';
import { printable } from '../model/printable.ts';
import { Lines } from '../socket/lines.ts';
import { environmentFor, scrubbedEnvironment } from './environment.ts';
import { placeOf } from './import-module.ts';
import {
  type FromThread,
  lastMemory,
  mostMemory,
  readFromThread,
  type ThreadData,
  type ToThread,
} from './thread-protocol.ts';

/** What is heard of a plugin's thread. */
export interface ThreadNews {
  /** A hook failed. */
  failed(plugin: string, fault: Fault): void;
  /** A line that it wrote, escaped; `skipped`: how many were left out before it. */
  said(line: string, skipped: number): void;
  /** It is gone though nobody dismissed it. Called once. */
  ended(fault: Fault): void;
}

/** How long the clean-up of a plugin may take, ms. */
const cleanUp = 2_000;
/** So many events may wait for a plugin that does not keep up. */
const mostWaiting = 10_000;
/** A plugin is left out by its own thread long before it has failed so often: each failure is an event, which it observes again. */
const mostFailures = 10;

/**
 * The daemon side of one plugin, in a thread of its own: it may loop for ever, call process.exit, patch prototypes or leak memory, and the
 * daemon does not notice. (A thread is no wall against code that means harm: plugins are trusted.)
 */
export class GuestThread {
  readonly #use: PluginUse;
  readonly #news: ThreadNews;
  /** Null: the system gave none. */
  readonly #thread: Worker | null;
  readonly #gone: Promise<unknown>;
  readonly #waiting: { readonly say: FromThread['say']; readonly heard: (fault: FaultReport | null) => void }[] = [];
  #unheard = 0;
  #failures = 0;
  #watch: NodeJS.Timeout | undefined;
  #over: Fault | null = null;
  #side = 'the daemon side of ';
  /** Resolves when its module is loaded, or cannot be. */
  readonly loaded: Promise<unknown>;

  /** Never throws: where the system gives no thread, whatever is asked of it is answered with that. */
  constructor(use: PluginUse, builtins: Builtins, news: ThreadNews) {
    this.#use = use;
    this.#news = news;
    this.#thread = this.#start({ use, builtins, env: environmentFor(use.use, builtins, process.env) });
    this.loaded = this.#wait('loaded');
    this.#gone = this.#thread === null ? Promise.resolve() : this.#follow(this.#thread);
  }

  /** Calls its factory. Resolves with null, or with what went wrong. */
  seat(relay: string, use: PluginUse): Promise<FaultReport | null> {
    return this.#ask({ say: 'seat', relay, use, trial: false }, 'seated');
  }

  /** As `seat`; that of its relay side is called before, and given up: a lane has its own. */
  async try(relay: string, use: PluginUse): Promise<FaultReport | null> {
    const side = this.#side;
    this.#side = '';
    const fault = await this.#ask({ say: 'seat', relay, use, trial: true }, 'seated');
    this.#side = side;
    return fault;
  }

  /** Asks its `check`. Resolves with null where it accepts, or there is none; with a CONFIG_INVALID otherwise. */
  check(config: Config): Promise<FaultReport | null> {
    return this.#ask({ say: 'check', config }, 'checked');
  }

  observe(event: Event): void {
    if (this.#over !== null) return;
    this.#unheard += 1;
    if (this.#unheard > mostWaiting) return this.kill(`did not keep up with ${mostWaiting} events`);
    this.#say({ say: 'observe', event });
    if (this.#unheard === 1) this.#arm();
  }

  /** Aborts the signal of its factory; it may be seated again. */
  unseat(): Promise<FaultReport | null> {
    return this.#ask({ say: 'dismiss' }, 'dismissed');
  }

  /** Aborts its signal, waits for that, and ends it. */
  async dismiss(): Promise<void> {
    if (this.#over === null) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, cleanUp);
      });
      await Promise.race([this.unseat(), late]);
      clearTimeout(timer);
    }
    if (this.#over === null) this.#close(this.#fault('was dismissed'));
    await this.#thread?.terminate();
    await this.#gone;
  }

  /** Ends it for a reason, as the rest of a sentence that begins with the plugin. */
  kill(why: string): void {
    this.#end(why);
    void this.#thread?.terminate();
  }

  #start(workerData: ThreadData): Worker | null {
    try {
      return new Worker(new URL('./daemon-thread.js', import.meta.url), {
        workerData,
        env: scrubbedEnvironment(process.env),
        execArgv: [],
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: lastMemory },
      });
    } catch (error) {
      // ERR_WORKER_INIT_FAILED where the user may have no more threads.
      const text = printable(error instanceof Error ? error.message : String(error));
      const name = printable(this.#use.use);
      this.#over = new Fault(
        'PLUGIN_FAILED',
        `the system gives no thread to plugin ${name}: ${text}; end what uses up the processes of this user, then restart the relay`,
        { cause: error },
      );
      return null;
    }
  }

  /** Resolves when the thread has ended. */
  #follow(thread: Worker): Promise<unknown> {
    const lines = new Lines((line, skipped) => this.#news.said(line, skipped));
    for (const stream of [thread.stdout, thread.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => lines.add(text));
    }
    thread.on('message', (message: unknown) => this.#hear(message));
    thread.on('error', (error) => {
      const place = placeOf(error);
      this.#end(`failed${place === null ? '' : ` at ${printable(place)}`}: ${printable(error.message)}`);
    });
    return new Promise<void>((resolve) => {
      thread.once('exit', (code) => {
        this.#end(`ended its thread (process.exit ${code})`);
        resolve();
      });
    });
  }

  #arm(): void {
    const limit = this.#use.deadlines.observe ?? hooks.observe.deadline;
    this.#watch = setTimeout(() => this.kill(`took no event for ${limit / 1000} s`), limit);
  }

  #hear(word: unknown): void {
    if (this.#over !== null) return;
    const message = readFromThread(word);
    if (message === null) return this.kill('said what no plugin says');
    if (message.say === 'failed') {
      this.#failures += 1;
      if (this.#failures > mostFailures) return this.kill('said what no plugin says');
      return this.#news.failed(message.plugin, Fault.fromReport(message.fault));
    }
    if (message.say === 'bloated') {
      return this.kill(`holds ${message.size} MiB, more than the ${mostMemory} MiB that it may`);
    }
    if (message.say === 'observed') {
      clearTimeout(this.#watch);
      this.#unheard = Math.max(0, this.#unheard - 1);
      if (this.#unheard > 0) this.#arm();
      return;
    }
    const at = this.#waiting.findIndex(({ say }) => say === message.say);
    const [asked] = at === -1 ? [] : this.#waiting.splice(at, 1);
    asked?.heard('fault' in message ? message.fault : null);
  }

  #ask(message: ToThread, answer: FromThread['say']): Promise<FaultReport | null> {
    if (message.say === 'seat') this.#failures = 0;
    this.#say(message);
    return this.#wait(answer);
  }

  #wait(say: FromThread['say']): Promise<FaultReport | null> {
    return new Promise((heard) => {
      if (this.#over !== null) return heard(this.#over.report());
      this.#waiting.push({ say, heard });
    });
  }

  #say(message: ToThread): void {
    if (this.#over === null) this.#thread?.postMessage(message);
  }

  #end(why: string): void {
    if (this.#over !== null) return;
    const fault = this.#fault(why);
    this.#close(fault);
    this.#news.ended(fault);
  }

  #close(fault: Fault): void {
    this.#over = fault;
    clearTimeout(this.#watch);
    for (const { heard } of this.#waiting.splice(0)) heard(fault.report());
  }

  #fault(why: string): Fault {
    const text = `${this.#side}plugin ${printable(this.#use.use)} ${why}; mend it, then restart the relay`;
    return new Fault('PLUGIN_FAILED', text);
  }
}
