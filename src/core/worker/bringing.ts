import type { Link } from '../ssh/link/link.ts';
import type { Backed } from './backing.ts';
import { givenUp } from './link-attempt.ts';

/** What becomes of it: one of the two, once, unless it is given up. */
export interface BringingNews {
  brought(backed: Backed): void;
  failed(error: unknown): void;
}

/** One attempt to bring a backend over a link that is up. Who gave it up hears no more of it. */
export class Bringing {
  readonly link: Link;
  readonly #stop = new AbortController();

  /** `bring` is begun at once. */
  constructor(link: Link, bring: (signal: AbortSignal) => Promise<Backed>, news: BringingNews) {
    this.link = link;
    const { signal } = this.#stop;
    bring(signal).then(
      (backed) => {
        if (!signal.aborted) news.brought(backed);
      },
      (error: unknown) => {
        if (!signal.aborted) news.failed(error);
      },
    );
  }

  /** Giving up what is over is harmless. */
  giveUp(): void {
    this.#stop.abort(givenUp());
  }
}
