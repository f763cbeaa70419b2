import type { Builtins } from '../../model/builtin.ts';
import type { PluginUse, RelayConfig } from '../../model/config.ts';
import type { Event } from '../../model/event.ts';
import { Fault } from '../../model/fault.ts';
import { leftOut } from '../../model/hooks.ts';
import { DaemonSide } from '../../plugin/daemon-side/daemon-side.ts';
import type { Reaper } from '../../process/reaper.ts';

/** What a relay hears of the daemon side of its plugins. */
export interface GuestNews {
  failed(plugin: string, fault: Fault): void;
  /** A line that one of them wrote, escaped; `skipped`: how many were left out before it. */
  said(line: string, skipped: number): void;
}

/** A daemon side that ended so often is not started again. */
const strikes = 3;

/**
 * The `daemon` halves of a relay's plugins, each in a process of its own. A plugin comes here only after a worker has loaded it: one that
 * hangs or throws while it loads harms that worker first.
 */
export class RelayGuests {
  readonly #relay: RelayConfig;
  readonly #builtins: Builtins;
  readonly #reaper: Reaper;
  readonly #news: GuestNews;
  readonly #ends = new Map<number, number>();
  #sides = new Map<number, DaemonSide>();
  readonly #leaving = new Set<DaemonSide>();

  constructor(relay: RelayConfig, builtins: Builtins, reaper: Reaper, news: GuestNews) {
    this.#relay = relay;
    this.#builtins = builtins;
    this.#reaper = reaper;
    this.#news = news;
  }

  /** Seats the plugins at these places of the relay's list, each once until they are dismissed. */
  seat(plugins: readonly number[]): void {
    for (const index of plugins) {
      const use = this.#relay.plugins[index];
      if (use !== undefined && !this.#sides.has(index) && !this.#ends.has(index)) void this.#begin(index, use);
    }
  }

  observe(event: Event): void {
    for (const side of this.#sides.values()) side.observe(event);
  }

  /** Aborts the signal that each was given, and waits a while for what they clean up. */
  async dismiss(): Promise<void> {
    this.#ends.clear();
    const sides = this.#take();
    for (const side of sides) this.#leaving.add(side);
    await Promise.all(sides.map((side) => side.dismiss()));
    for (const side of sides) this.#leaving.delete(side);
  }

  /** Ends all of them as they are, also who is cleaning up. */
  kill(): void {
    for (const side of [...this.#take(), ...this.#leaving]) side.kill('was ended at once, as asked');
  }

  /** Those who have a seat; they have none any more. */
  #take(): readonly DaemonSide[] {
    const sides = [...this.#sides.values()];
    this.#sides = new Map();
    return sides;
  }

  async #begin(index: number, use: PluginUse): Promise<void> {
    const side: DaemonSide = new DaemonSide(use, this.#builtins, this.#reaper, {
      ...this.#news,
      ended: (fault) => this.#ended(index, use, side, fault),
    });
    this.#sides.set(index, side);
    const fault = await side.seat(this.#relay.name, use);
    // Another one has its place already, or nobody.
    if (fault === null || this.#sides.get(index) !== side) return;
    this.#sides.delete(index);
    this.#ends.set(index, strikes);
    this.#news.failed(use.use, Fault.fromReport(fault));
    await side.dismiss();
  }

  #ended(index: number, use: PluginUse, side: DaemonSide, fault: Fault): void {
    if (this.#sides.get(index) !== side) return;
    this.#sides.delete(index);
    const ends = (this.#ends.get(index) ?? 0) + 1;
    this.#ends.set(index, ends);
    if (ends < strikes) {
      this.#news.failed(use.use, fault);
      void this.#begin(index, use);
      return;
    }
    const text = `${fault.message}; after ${strikes} ends it is left out`;
    this.#news.failed(use.use, new Fault(fault.code, text, { cause: fault, detail: { [leftOut]: strikes } }));
  }
}
