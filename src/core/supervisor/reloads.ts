import { type ConfigDiff, diffConfigs, isEmpty } from '../config/diff.ts';
import type { Config } from '../model/config.ts';
import type { ChangeFact, Fact } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { PendingConfig } from '../model/snapshot.ts';

/** What came of reading the config again: names of relays. */
export interface Reloaded extends ChangeFact {
  /** False: open links would have ended, and that was not asked for; all is as it was. */
  readonly applied: boolean;
  readonly unchanged: readonly string[];
  /** Where it was not applied: those with an open link that would end. */
  readonly cuts: readonly string[];
}

/** Whose open links may end: everybody's, or those of these relays only. */
export type Touch = 'all' | readonly string[];

/** What reading the config again needs, and does. */
export interface ReloadDeeds {
  /** Rejects with CONFIG_INVALID where somebody refuses the config. */
  readonly check: (config: Config, diff: ConfigDiff) => Promise<void>;
  /** Rejects once the daemon ends. */
  readonly permit: () => void;
  /** Those of these relays with an open link. */
  readonly busy: (names: readonly string[]) => readonly string[];
  readonly apply: (config: Config, diff: ConfigDiff) => Promise<void>;
  readonly fact: (fact: Fact) => void;
  readonly pending: () => PendingConfig | null;
}

/** The config that runs, and its changes: one at a time. One that was refused has changed nothing. */
export class Reloads {
  readonly #deeds: ReloadDeeds;
  #config: Config;
  #last: Promise<unknown>;
  #waiting: Promise<Reloaded> | null = null;

  /** `begun`: before it has resolved nothing is read. */
  constructor(config: Config, begun: Promise<unknown>, deeds: ReloadDeeds) {
    this.#config = config;
    this.#last = begun;
    this.#deeds = deeds;
  }

  get config(): Config {
    return this.#config;
  }

  /** Reads the config and takes it over. Rejects with what `read` throws, CONFIG_INVALID where a plugin refuses it, NOT_RUNNING. */
  reload(read: () => Promise<Config>, touch: Touch): Promise<Reloaded> {
    if (touch !== 'all') return this.#queue(() => this.#reload(read, touch));
    // One that has not begun yet reads what this one would.
    this.#waiting ??= this.#queue(() => {
      this.#waiting = null;
      return this.#reload(read, touch);
    });
    return this.#waiting;
  }

  #queue(deed: () => Promise<Reloaded>): Promise<Reloaded> {
    const done = this.#last.then(deed);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #reload(read: () => Promise<Config>, touch: Touch): Promise<Reloaded> {
    const { check, permit, busy, apply, fact, pending } = this.#deeds;
    permit();
    const before = pending();
    const found = await this.#look(read, check).catch((error: unknown) => {
      const fault = Fault.from(error);
      // Said once where nobody asked.
      if (touch === 'all' || before?.fault?.message !== fault.message)
        fact({ type: 'config.refused', fault: fault.report() });
      throw fault;
    });
    permit();
    const { config, diff } = found;
    const news = newsOf(diff, busy);
    const { unchanged } = diff;
    if (touch !== 'all') {
      if (isEmpty(diff) && before === null) return { applied: true, ...news, unchanged, cuts: [] };
      const cuts = [...busy(news.removed), ...news.ended].filter((name) => !touch.includes(name));
      if (cuts.length > 0) {
        if (!isSame(before, { fault: null, ...news, cuts })) fact({ type: 'config.differs', ...news, cuts });
        return { applied: false, ...news, unchanged, cuts };
      }
    }
    fact({ type: 'config.reloaded', ...news });
    this.#config = config;
    await apply(config, diff);
    return { applied: true, ...news, unchanged, cuts: [] };
  }

  async #look(read: () => Promise<Config>, check: ReloadDeeds['check']) {
    const config = await read();
    const diff = diffConfigs(this.#config, config);
    if (!isEmpty(diff)) await check(config, diff);
    return { config, diff };
  }
}

function newsOf({ added, removed, changed }: ConfigDiff, busy: ReloadDeeds['busy']): ChangeFact {
  const names = (some: typeof changed) => some.map(({ name }) => name);
  return { added, removed, changed: names(changed), ended: busy(names(changed.filter(({ ends }) => ends))) };
}

function isSame(one: PendingConfig | null, other: PendingConfig): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
