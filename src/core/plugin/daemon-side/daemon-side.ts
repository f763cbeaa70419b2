import { fileURLToPath } from 'node:url';
import type { Builtins } from '../../model/builtin.ts';
import type { Config, PluginUse } from '../../model/config.ts';
import type { Event } from '../../model/event.ts';
import { Fault, type FaultReport } from '../../model/fault.ts';
import { hooks } from '../../model/hooks.ts';
import { printable } from '../../model/printable.ts';
import { Forked, type ForkedEnd } from '../../process/forked.ts';
import { bundled } from '../../process/own-files.ts';
import type { Reaper } from '../../process/reaper.ts';
import { heldBytes } from '../../process/held-bytes.ts';
import { environmentFor, scrubbedEnvironment } from '../environment.ts';
import { type FromDaemonSide, mostMemory, readFromDaemonSide, type ToDaemonSide, weighing } from './protocol.ts';

const entry = fileURLToPath(bundled('core/plugin/daemon-side/entry'));

/** Where the system does not tell how much a process holds, V8 bounds its heap, MiB, also of one that is never free to weigh itself. */
const flags = ['--max-old-space-size=384'];

/** What is heard of the daemon side of a plugin. */
export interface DaemonSideNews {
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
/** A plugin is left out by its own process long before it has failed so often: each failure is an event, which it observes again. */
const mostFailures = 10;

/** What is said of one that does not speak as a daemon side does. */
const garbled = 'said what no plugin says';

/**
 * The daemon side of one plugin, in a process of its own: it may loop for ever, call process.exit, patch prototypes or fill its memory, and the
 * daemon does not notice. (That is no wall against code that means harm: plugins are trusted.)
 */
export class DaemonSide {
  readonly #use: PluginUse;
  readonly #news: DaemonSideNews;
  readonly #forked: Forked;
  readonly #gone: Promise<void>;
  readonly #waiting: { readonly say: FromDaemonSide['say']; readonly heard: (fault: FaultReport | null) => void }[] =
    [];
  readonly #weighed: NodeJS.Timeout;
  #unheard = 0;
  #failures = 0;
  #watch: NodeJS.Timeout | undefined;
  #over: Fault | null = null;
  #side = 'the daemon side of ';
  /** Resolves when its module is loaded, or cannot be. */
  readonly loaded: Promise<unknown>;

  /** Never throws: where the system gives no process, whatever is asked of it is answered with that. `reaper`: ends it with the daemon. */
  constructor(use: PluginUse, builtins: Builtins, reaper: Reaper, news: DaemonSideNews) {
    this.#use = use;
    this.#news = news;
    this.#weighed = setInterval(() => this.#weigh(heldBytes(this.#forked.pid)), weighing);
    let gone: () => void = () => undefined;
    this.#gone = new Promise((resolve) => {
      gone = resolve;
    });
    this.#forked = new Forked(
      entry,
      // A terminal ends the daemon, which ends its guests.
      { env: scrubbedEnvironment(process.env), flags, apart: true },
      {
        message: (message) => this.#hear(message),
        garbled: (cause) => this.kill(garbled, cause),
        cut: () => this.kill('closed its channel'),
        said: (line, skipped) => news.said(line, skipped),
        ended: (end) => {
          clearInterval(this.#weighed);
          reaper.forget(this.#forked.pid);
          this.#ended(end);
          gone();
        },
      },
    );
    if (this.#forked.pid > 0) reaper.watch(this.#forked.pid);
    this.#say({ say: 'begin', use, builtins, env: environmentFor(use.use, builtins, process.env) });
    this.loaded = this.#wait('loaded');
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
    this.#forked.kill();
    await this.#gone;
  }

  /** Ends it for a reason, as the rest of a sentence that begins with the plugin. */
  kill(why: string, cause?: unknown): void {
    this.#end(this.#fault(why, cause));
    this.#forked.kill();
  }

  #ended(end: ForkedEnd): void {
    if (end.error === null) return this.#end(this.#fault(end.how));
    const { error } = end;
    const remedy =
      'code' in error && error.code === 'EAGAIN'
        ? 'end what uses up the processes of this user'
        : 'see what the system lacks';
    const name = printable(this.#use.use);
    const text = `the system gives no process to plugin ${name}: ${printable(error.message)}; ${remedy}, then restart the relay`;
    // Who asks for its seat is told; there was nothing that could end.
    this.#close(new Fault('PLUGIN_FAILED', text, { cause: error }));
  }

  #weigh(held: number): void {
    if (held <= mostMemory) return;
    const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
    this.kill(`holds ${mib(held)} MiB, more than the ${mib(mostMemory)} MiB that it may`);
  }

  #arm(): void {
    const limit = this.#use.deadlines.observe ?? hooks.observe.deadline;
    this.#watch = setTimeout(() => this.kill(`took no event for ${limit / 1000} s`), limit);
  }

  #hear(word: unknown): void {
    if (this.#over !== null) return;
    const message = readFromDaemonSide(word);
    if (message === null) return this.kill(garbled);
    if (message.say === 'failed') {
      this.#failures += 1;
      if (this.#failures > mostFailures) return this.kill(garbled);
      return this.#news.failed(message.plugin, Fault.fromReport(message.fault));
    }
    if (message.say === 'bloated') return this.#weigh(message.rss);
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

  #ask(message: ToDaemonSide, answer: FromDaemonSide['say']): Promise<FaultReport | null> {
    if (message.say === 'seat') this.#failures = 0;
    this.#say(message);
    return this.#wait(answer);
  }

  #wait(say: FromDaemonSide['say']): Promise<FaultReport | null> {
    return new Promise((heard) => {
      if (this.#over !== null) return heard(this.#over.report());
      this.#waiting.push({ say, heard });
    });
  }

  #say(message: ToDaemonSide): void {
    if (this.#over === null) this.#forked.send(message);
  }

  #end(fault: Fault): void {
    if (this.#over !== null) return;
    this.#close(fault);
    this.#news.ended(fault);
  }

  #close(fault: Fault): void {
    this.#over = fault;
    clearTimeout(this.#watch);
    for (const { heard } of this.#waiting.splice(0)) heard(fault.report());
  }

  #fault(why: string, cause?: unknown): Fault {
    const text = `${this.#side}plugin ${printable(this.#use.use)} ${why}; mend it, then restart the relay`;
    return new Fault('PLUGIN_FAILED', text, { cause });
  }
}
