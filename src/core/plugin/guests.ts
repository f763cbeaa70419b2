import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection, RelayHooks } from '../model/plugin.ts';
import { printable } from '../model/printable.ts';
import type { Guest } from './load.ts';

/** After so many failures a plugin that only observes is dropped; one with a gate ends its relay. */
const strikes = 3;
const deadlines = { admit: 2_000, observe: 10_000, factory: 10_000 };

interface Seat {
  readonly name: string;
  readonly hooks: RelayHooks;
  failures: number;
}

/** The plugins of one relay in one process, in the order of the file. Each hook has a deadline; a throw never gets out. */
export class Guests {
  readonly #seats: Seat[] = [];
  readonly #stop = new AbortController();
  readonly #onFault: (plugin: string, fault: Fault, fatal: boolean) => void;

  /** `onFault` hears of each failure; `fatal`: a gate failed too often, the relay must not go on. */
  constructor(onFault: (plugin: string, fault: Fault, fatal: boolean) => void) {
    this.#onFault = onFault;
  }

  /** Calls the factory of one side of each plugin. Throws PLUGIN_FAILED. */
  async seat(guests: readonly Guest[], side: 'daemon' | 'relay', relay: string): Promise<void> {
    for (const { name, plugin, options } of guests) {
      const factory = plugin[side]?.bind(plugin);
      if (factory === undefined) continue;
      const context = { relay, options, signal: this.#stop.signal };
      const hooks = await this.#call(name, side, deadlines.factory, async () => factory(context));
      this.#seats.push({ name, hooks: hooks ?? {}, failures: 0 });
    }
  }

  /** Asks each `admit` in order; null admits. Only a literal true does: everything else refuses. */
  async admit(connection: ClientConnection): Promise<Fault | null> {
    for (const seat of this.#seats) {
      const admit = seat.hooks.admit?.bind(seat.hooks);
      if (admit === undefined) continue;
      try {
        const answer = await this.#call(seat.name, 'admit', deadlines.admit, async () => admit(connection));
        if (answer === true) continue;
        const why = typeof answer === 'string' ? printable(answer) : 'it did not answer true';
        return new Fault('ADMISSION_REFUSED', `plugin ${seat.name} refused a client: ${why}; see its options`);
      } catch (error) {
        const fault = Fault.from(error);
        this.#strike(seat, fault, true);
        return new Fault('ADMISSION_REFUSED', `a client was refused: ${fault.message}`, { cause: fault });
      }
    }
    return null;
  }

  get gated(): boolean {
    return this.#seats.some((seat) => seat.hooks.admit !== undefined);
  }

  /** Tells each `observe`; nobody waits for them. */
  observe(event: Event): void {
    for (const seat of this.#seats) {
      const observe = seat.hooks.observe?.bind(seat.hooks);
      if (observe === undefined || seat.failures >= strikes) continue;
      this.#call(seat.name, 'observe', deadlines.observe, async () => observe(event)).catch((error: unknown) => {
        this.#strike(seat, Fault.from(error), seat.hooks.admit !== undefined);
      });
    }
  }

  /** Aborts the signal that each factory was given. */
  dismiss(): void {
    this.#stop.abort(new Error('the relay ends'));
    this.#seats.length = 0;
  }

  #strike(seat: Seat, fault: Fault, gate: boolean): void {
    seat.failures += 1;
    this.#onFault(seat.name, fault, gate && seat.failures >= strikes);
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
