/** The relay, and its link as a backend of lifetime `session` knows it. */
export interface Session {
  readonly relay: string;
  /** Ends what keeps watch over it, and with that the backend. */
  readonly signal: AbortSignal;
  /** A new one was started over this link. */
  readonly launched: (run: string) => void;
  /** Nothing was started over it, and nothing will be: there is nothing to keep watch over. */
  readonly idle: () => void;
  /** Whether this one was. */
  readonly isOwn: (run: string) => boolean;
}

/** The tries of one relay to bring its backend up that may have something running on the host, each with what ends it. */
export class Sessions {
  readonly #relay: string;
  readonly #signal: AbortSignal;
  readonly #open = new Set<AbortController>();
  /** The run that was started over each link. */
  readonly #started = new WeakMap<AbortSignal, string>();

  /** `signal`: aborted when the relay's hooks are no longer called. */
  constructor(relay: string, signal: AbortSignal) {
    this.#relay = relay;
    this.#signal = signal;
  }

  /** How many are kept. */
  get size(): number {
    return this.#open.size;
  }

  /** Begins one more over a link, whose end is its end. */
  begin(link: AbortSignal): Session {
    const own = new AbortController();
    const older = [...this.#open];
    this.#open.add(own);
    const signal = AbortSignal.any([own.signal, link, this.#signal]);
    const forget = () => this.#open.delete(own);
    if (signal.aborted) forget();
    else signal.addEventListener('abort', forget, { once: true });
    return {
      relay: this.#relay,
      signal,
      // A new one is started only where those before it are dead: what still keeps watch over them may leave.
      launched: (run) => {
        this.#started.set(link, run);
        for (const one of older) one.abort(new Error('its backend is gone'));
      },
      idle: () => own.abort(new Error('it has started nothing')),
      isOwn: (run) => this.#started.get(link) === run,
    };
  }
}
