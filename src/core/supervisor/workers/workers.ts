import type { RelayConfig } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import { Turnstile } from '../../model/turnstile.ts';
import type { Reaper } from '../../process/reaper.ts';
import { type KeeperNews, WorkerKeeper } from './worker-keeper.ts';

/** Two cores start so many workers at once; more would starve each other. */
const startsAtOnce = 2;

/** Says which worker carries a lane: an own one, or the one that all relays of `isolation: shared` live in. */
export class Workers {
  #relays: readonly RelayConfig[];
  readonly #news: KeeperNews;
  readonly #starts = new Turnstile(startsAtOnce);
  readonly #reaper: Reaper;
  #shared: WorkerKeeper | null = null;
  /** Those that may have a worker. */
  #own: readonly WorkerKeeper[] = [];

  /** `reaper`: ends them with the daemon. */
  constructor(relays: readonly RelayConfig[], reaper: Reaper, news: KeeperNews) {
    this.#relays = relays;
    this.#reaper = reaper;
    this.#news = news;
  }

  /** Who keeps a worker for one more lane of this relay. */
  keeper(relay: RelayConfig): WorkerKeeper {
    const make = (limit: number) => new WorkerKeeper(limit, this.#starts, this.#reaper, this.#news);
    if (relay.isolation === 'shared') {
      this.#shared ??= make(this.#sharedLimit());
      return this.#shared;
    }
    const own = make(relay.memory);
    this.#own = [...this.#own.filter(({ settled }) => !settled), own];
    return own;
  }

  /** Whether every worker gives signs of life. */
  get answer(): boolean {
    return this.#own.every(({ answers }) => answers) && (this.#shared?.answers ?? true);
  }

  /** The config has changed. */
  adopt(relays: readonly RelayConfig[]): void {
    this.#relays = relays;
    if (relays.some(({ isolation }) => isolation === 'shared')) this.#shared?.limit(this.#sharedLimit());
  }

  /** Ends the shared worker now; a relay ends its own. */
  kill(): void {
    this.#shared?.kill(new Fault('LINK_LOST', 'ended at once, as asked; nothing to do'));
  }

  /** Resolves when the shared worker is gone. */
  async ended(): Promise<void> {
    await this.#shared?.ended();
  }

  #sharedLimit(): number {
    const sharing = this.#relays.filter((one) => one.isolation === 'shared');
    return Math.max(...sharing.map((one) => one.memory));
  }
}
