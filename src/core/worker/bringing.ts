import { Fault } from '../model/fault.ts';
import type { Backed } from './backing.ts';

/** What becomes of it: one of the two, once, unless it is given up. */
export interface BringingNews {
  brought(backed: Backed): void;
  failed(error: unknown): void;
}

/** One attempt to bring a backend over a link that is up. Who gave it up hears no more of it. */
export class Bringing {
  readonly #stop = new AbortController();

  /** `bring` is begun at once. */
  constructor(bring: (signal: AbortSignal) => Promise<Backed>, news: BringingNews) {
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
    this.#stop.abort(new Fault('LINK_LOST', 'the attempt was given up; nothing to do'));
  }
}
