import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection, RelayHooks } from '../model/plugin.ts';
import { printable } from '../model/printable.ts';
import { uidOf } from '../socket/tcp-table.ts';
import type { Guest } from './load.ts';

/** After so many failures a plugin that only observes is dropped; one with a gate ends its relay. */
const strikes = 3;
const deadlines = { admit: 2_000, observe: 10_000, factory: 10_000 };

interface Place {
  readonly name: string;
  readonly hooks: RelayHooks;
  failures: number;
}

/** The plugins of one relay in one process, in the order of the file. Each hook has a deadline; a throw never gets out. */
export class Guests {
  readonly #places: Place[] = [];
  readonly #stop = new AbortController();
  readonly #onFault: (plugin: string, fault: Fault, fatal: boolean) => void;

  /** `onFault` hears of each failure; `fatal`: a gate failed too often, the relay must not go on. */
  constructor(onFault: (plugin: string, fault: Fault, fatal: boolean) => void) {
    this.#onFault = onFault;
  }

  /** Calls the factory of one side of each plugin; all are seated, or none. Throws PLUGIN_FAILED. */
  async seat(
    guests: readonly Guest[],
    side: 'daemon' | 'relay',
    relay: string,
    env: Readonly<Record<string, string | undefined>> = process.env,
  ): Promise<void> {
    const attempt = new AbortController();
    const places: Place[] = [];
    try {
      for (const { name, plugin, options } of guests) {
        const factory = plugin[side]?.bind(plugin);
        if (factory === undefined) continue;
        const context = { relay, options, env, signal: AbortSignal.any([this.#stop.signal, attempt.signal]), uidOf };
        const hooks = await this.#call(name, side, deadlines.factory, async () => factory(context));
        places.push({ name, hooks: hooks ?? {}, failures: 0 });
      }
    } catch (error) {
      attempt.abort(new Error('a plugin beside it failed'));
      throw error;
    }
    if (!this.#stop.signal.aborted) this.#places.push(...places);
  }

  /** Asks each `admit` in order; null admits. Only a literal true does: everything else refuses. */
  async admit(connection: ClientConnection): Promise<Fault | null> {
    for (const place of this.#places) {
      const admit = place.hooks.admit?.bind(place.hooks);
      if (admit === undefined) continue;
      try {
        const answer = await this.#call(place.name, 'admit', deadlines.admit, async () => admit(connection));
        if (answer === true) continue;
        const why = typeof answer === 'string' ? printable(answer) : 'it did not answer true';
        return new Fault('ADMISSION_REFUSED', `plugin ${place.name} refused a client: ${why}; see its options`);
      } catch (error) {
        const fault = Fault.from(error);
        this.#strike(place, fault, true);
        return new Fault('ADMISSION_REFUSED', `a client was refused: ${fault.message}`, { cause: fault });
      }
    }
    return null;
  }

  get gated(): boolean {
    return this.#places.some((place) => place.hooks.admit !== undefined);
  }

  /** Tells each `observe`; nobody waits for them. */
  observe(event: Event): void {
    for (const place of this.#places) {
      const observe = place.hooks.observe?.bind(place.hooks);
      if (observe === undefined || place.failures >= strikes) continue;
      this.#call(place.name, 'observe', deadlines.observe, async () => observe(event)).catch((error: unknown) => {
        this.#strike(place, Fault.from(error), place.hooks.admit !== undefined);
      });
    }
  }

  /** Aborts the signal that each factory was given. */
  dismiss(): void {
    this.#stop.abort(new Error('the relay ends'));
    this.#places.length = 0;
  }

  #strike(place: Place, fault: Fault, gate: boolean): void {
    place.failures += 1;
    this.#onFault(place.name, fault, gate && place.failures >= strikes);
  }

  async #call<T>(name: string, hook: string, deadline: number, run: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `plugin ${name} gave no answer to ${hook} within ${deadline / 1000} s; mend it, then restart the relay`;
        reject(new Fault('PLUGIN_FAILED', text));
      }, deadline);
    });
    try {
      return await Promise.race([run(), late]);
    } catch (error) {
      if (error instanceof Fault) throw error;
      const text = printable(error instanceof Error ? error.message : String(error));
      throw new Fault('PLUGIN_FAILED', `plugin ${name} failed in ${hook}: ${text}; mend it, then restart the relay`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
