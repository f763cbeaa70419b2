/** What a relay does at each change of its life. One at a time, and never again before the one before is over. */
export interface RelayDeeds {
  /** Binds and begins. `forced`: the user asked for it. */
  readonly begin: (forced: boolean) => Promise<void>;
  /** Ends all that is left of what was begun. */
  readonly end: (why: string) => Promise<void>;
  /** Ends the lanes, to begin others; the listeners stay. */
  readonly drop: (why: string) => Promise<void>;
  /** Begins lanes where the others were dropped. `forced`: the user asked for it. */
  readonly again: (forced: boolean) => Promise<void>;
  /** Whether what runs is not what the config says by now. */
  readonly stale: () => boolean;
  /** False once the daemon ends: then nothing begins any more. */
  readonly mayBegin: () => boolean;
}

/**
 * Start, stop and restart of one relay, in any order and at once: what is under way is waited for, nothing is done twice, and the last wish
 * wins. Each promise resolves when nothing is left to be done, whoever wished it.
 */
export class RelayLife {
  readonly #deeds: RelayDeeds;
  /** Whether it is to run in the end. */
  #wanted = false;
  #forced = false;
  /** It was begun, and its end was not. */
  #up = false;
  /** Why it is to end; null: it is not. What was closed for that wish is not open again for a later one, so it does end. */
  #halt: string | null = null;
  #renewal: { readonly why: string; forced: boolean; dropped: boolean } | null = null;
  #busy = false;
  #done: Promise<void> = Promise.resolve();

  constructor(deeds: RelayDeeds) {
    this.#deeds = deeds;
  }

  /** Starting a running one does nothing. */
  start(forced: boolean): Promise<void> {
    this.#wanted = true;
    if (!this.#stays) this.#forced ||= forced;
    return this.#settle();
  }

  /** Resolves when all has ended, and what was wished meanwhile is done. */
  stop(why: string): Promise<void> {
    this.#wanted = false;
    this.#forced = false;
    if (this.#up) this.#halt ??= why;
    return this.#settle();
  }

  /** One that is stopped, or about to be, is started. `forced`: the user asked for it. */
  restart(why: string, forced = true): Promise<void> {
    if (!this.#stays) return this.start(forced);
    this.#renewal ??= { why, forced, dropped: false };
    this.#renewal.forced ||= forced;
    return this.#settle();
  }

  /** Has a running one begin anew where it is stale once it has begun; one that is stopped, or about to be, stays so. */
  async refresh(why: string): Promise<void> {
    if (this.#busy) await this.#done;
    if (this.#stays && this.#deeds.stale()) await this.restart(why, false);
  }

  get #stays(): boolean {
    return this.#up && this.#halt === null;
  }

  #settle(): Promise<void> {
    if (this.#busy) return this.#done;
    this.#busy = true;
    let settle: (run: Promise<void>) => void = () => undefined;
    // Before the first deed: who hears of that may wish something else at once.
    this.#done = new Promise((resolve) => {
      settle = resolve;
    });
    settle(this.#run());
    return this.#done;
  }

  async #run(): Promise<void> {
    try {
      for (let deed = this.#next(); deed !== null; deed = this.#next()) await deed();
    } finally {
      this.#busy = false;
    }
  }

  /** What is to be done next for what is wished by now; null: nothing. */
  #next(): (() => Promise<void>) | null {
    const { begin, end, drop, again, mayBegin } = this.#deeds;
    const [why, renewal, forced] = [this.#halt, this.#renewal, this.#forced];
    if (why !== null) {
      this.#up = false;
      this.#halt = null;
      this.#renewal = null;
      return () => end(why);
    }
    if (renewal !== null && !renewal.dropped) {
      renewal.dropped = true;
      return () => drop(renewal.why);
    }
    if (renewal !== null) {
      this.#renewal = null;
      return mayBegin() ? () => again(renewal.forced) : null;
    }
    if (this.#up || !this.#wanted || !mayBegin()) return null;
    this.#up = true;
    this.#forced = false;
    return () => begin(forced);
  }
}
