import type { HookDeadlines } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import { type HookName, hooks as known, isHookName, leftOut, type Side } from '../model/hooks.ts';
import type { DaemonHooks, PluginContext, RelayHooks } from '../model/plugin.ts';
import { hooksTrouble, isHooks, ownDeadlines } from '../model/plugin-shape.ts';
import { printable } from '../model/printable.ts';
import { Wrong } from './answers.ts';
import { failure, inTime, type Lateness, spoken } from './call.ts';
import type { Guest } from './load.ts';
import { Strikes } from './strikes.ts';

/** How long a factory may take, ms. */
const factoryTime = 10_000;

/** Hears of each failure; `fatal`: the plugin has a hook that must not be left out, the relay must not go on. */
export type Told = (plugin: string, fault: Fault, fatal: boolean) => void;

/** One plugin at its place in one process: its hooks, their deadlines, its failures. */
export class Seat {
  readonly name: string;
  readonly hooks: DaemonHooks & RelayHooks;
  readonly #deadlines: HookDeadlines;
  readonly #told: Told;
  readonly #strikes = new Strikes();

  private constructor(guest: Guest, hooks: DaemonHooks & RelayHooks, told: Told) {
    this.name = guest.name;
    this.hooks = hooks;
    this.#deadlines = { ...ownDeadlines(hooks), ...guest.deadlines };
    this.#told = told;
  }

  /** Calls the factory of a side; null where the plugin has none. Throws PLUGIN_FAILED, or the fault that the plugin threw. */
  static async take(
    { plugin, ...guest }: Guest,
    side: Side,
    context: PluginContext<unknown>,
    told: Told,
  ): Promise<Seat | null> {
    const factory = plugin[side]?.bind(plugin);
    if (factory === undefined) return null;
    let made: unknown;
    try {
      made = await inTime<unknown>(factoryTime, () => factory(context));
    } catch (error) {
      throw spoken(error) ?? failure(guest.name, side, factoryTime, error);
    }
    if (isHooks(made, side)) return new Seat({ plugin, ...guest }, made, told);
    const trouble = hooksTrouble(made, side);
    if (trouble === null) return new Seat({ plugin, ...guest }, {}, told);
    throw new Fault('PLUGIN_FAILED', `plugin ${printable(guest.name)} ${trouble}; see docs/plugins.md`);
  }

  /** Whether its failures have made it useless. */
  get dropped(): boolean {
    return this.#strikes.out;
  }

  /** How long a hook may take, ms. */
  deadline(hook: HookName): number {
    return this.#deadlines[hook] ?? known[hook].deadline;
  }

  /**
   * Calls a hook within its deadline. Rejects with a fault: one that the plugin threw on purpose as it is, anything else as PLUGIN_FAILED,
   * which is a strike.
   */
  async call<T>(hook: HookName, run: () => T | Promise<T>, lateness: Lateness = {}): Promise<T> {
    const deadline = this.deadline(hook);
    try {
      return await inTime(deadline, run, lateness);
    } catch (error) {
      const said = spoken(error);
      if (said !== null && said.code !== 'PLUGIN_FAILED') throw said;
      throw this.strike(this.#saidOf(hook, deadline, error));
    }
  }

  /** Counts a failure, tells of it and gives it back. With too many a plugin that only observes is dropped; one with any other hook ends its relay. */
  strike(fault: Fault): Fault {
    const dispensable = Object.keys(known).every(
      (name) => !(name in this.hooks) || (isHookName(name) && known[name].kind === 'observer'),
    );
    // What it was still at when it was left out.
    if (this.dropped && dispensable) return fault;
    const last = this.#strikes.add(performance.now());
    const out = last && dispensable;
    const text = out ? `${fault.message}; after ${Strikes.most} failures it is left out` : fault.message;
    const detail = out ? { [leftOut]: Strikes.most } : {};
    this.#told(this.name, new Fault(fault.code, text, { cause: fault, detail }), this.dropped && !dispensable);
    return fault;
  }

  #saidOf(hook: HookName, deadline: number, error: unknown): Fault {
    if (!(error instanceof Wrong)) return failure(this.name, hook, deadline, error);
    const text = `plugin ${printable(this.name)} answered ${hook} with ${error.message}; mend it, then restart the relay`;
    return new Fault('PLUGIN_FAILED', text);
  }
}
