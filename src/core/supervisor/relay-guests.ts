import type { RelayConfig } from '../model/config.ts';
import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import { Guests } from '../plugin/guests.ts';
import { loadGuest } from '../plugin/load.ts';

/**
 * The `daemon` halves of a relay's plugins. A plugin comes here only after a worker has loaded it: one that hangs or throws while
 * it loads harms that worker, not this process.
 */
export class RelayGuests {
  readonly #relay: RelayConfig;
  readonly #builtins: Readonly<Record<string, string>>;
  readonly #failed: (plugin: string, fault: Fault) => void;
  readonly #seated = new Set<number>();
  #guests: Guests | null = null;

  constructor(
    relay: RelayConfig,
    builtins: Readonly<Record<string, string>>,
    failed: (plugin: string, fault: Fault) => void,
  ) {
    this.#relay = relay;
    this.#builtins = builtins;
    this.#failed = failed;
  }

  /** Seats the plugins at these places of the relay's list, each once until they are dismissed. */
  async seat(plugins: readonly number[]): Promise<void> {
    this.#guests ??= new Guests((plugin, fault) => this.#failed(plugin, fault));
    const guests = this.#guests;
    for (const index of plugins) {
      const use = this.#relay.plugins[index];
      if (use === undefined || this.#seated.has(index)) continue;
      this.#seated.add(index);
      try {
        await guests.seat([await loadGuest(use, this.#builtins)], 'daemon', this.#relay.name);
      } catch (error) {
        this.#failed(use.use, Fault.from(error));
      }
    }
  }

  observe(event: Event): void {
    this.#guests?.observe(event);
  }

  /** Aborts the signal that each was given. */
  dismiss(): void {
    this.#guests?.dismiss();
    this.#guests = null;
    this.#seated.clear();
  }
}
