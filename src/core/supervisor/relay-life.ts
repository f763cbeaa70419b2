/** What a relay does at each change of its life. One at a time, and never again before the one before is over. */
export interface RelayDeeds {
  /** Binds and begins. `forced`: the user asked for it. */
  readonly begin: (forced: boolean) => Promise<void>;
  /** Ends all that was begun. */
  readonly end: (why: string) => Promise<void>;
  /** Ends the lanes and begins them anew, while the listeners stay. `forced`: the user asked for it. */
  readonly renew: (why: string, forced: boolean) => Promise<void>;
  /** Whether what runs is not what the config says by now. */
  readonly stale: () => boolean;
  /** False once the daemon ends: then nothing begins any more. */
  readonly mayBegin: () => boolean;
}

/** Start, stop and restart of one relay, in any order and at once: what is under way is waited for, and nothing is done twice. */
export class RelayLife {
  readonly #deeds: RelayDeeds;
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #restarting: Promise<void> | null = null;

  constructor(deeds: RelayDeeds) {
    this.#deeds = deeds;
  }

  /** Starting a running one does nothing. */
  start(forced: boolean): Promise<void> {
    const ending = this.#restarting ?? this.#stopping;
    if (ending !== null) return ending.then(() => this.start(forced));
    if (!this.#deeds.mayBegin()) return Promise.resolve();
    this.#starting ??= this.#deeds.begin(forced);
    return this.#starting;
  }

  /** Resolves when all has ended. */
  stop(why: string): Promise<void> {
    if (this.#restarting !== null) return this.#restarting.then(() => this.stop(why));
    if (this.#starting === null) return Promise.resolve();
    this.#stopping ??= this.#starting
      .then(() => this.#deeds.end(why))
      .finally(() => {
        this.#starting = null;
        this.#stopping = null;
      });
    return this.#stopping;
  }

  /** One that is stopped, or about to be, is started. `forced`: the user asked for it. */
  restart(why: string, forced = true): Promise<void> {
    if (this.#starting === null || this.#stopping !== null) return this.start(forced);
    this.#restarting ??= this.#starting
      .then(() => this.#deeds.renew(why, forced))
      .finally(() => {
        this.#restarting = null;
      });
    return this.#restarting;
  }

  /** Has a running one begin anew where it is stale once it has begun; one that is stopped, or about to be, stays so. */
  async refresh(why: string): Promise<void> {
    await this.#restarting;
    await this.#starting;
    if (this.#starting !== null && this.#stopping === null && this.#deeds.stale()) await this.restart(why, false);
  }
}
