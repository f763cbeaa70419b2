import { Fault } from '../model/fault.ts';
import type { Link } from '../ssh/link/link.ts';

interface Entry {
  readonly link: Promise<Link>;
  readonly controller: AbortController;
  users: number;
}

/** A lane's part in a link; `release` gives it up, and the last one closes the link. */
export interface Lease {
  readonly link: Link;
  release(): void;
}

/** The links of this worker. Lanes that ask for the same key at the same time, or while it lives, share one. */
export class Links {
  readonly #entries = new Map<string, Entry>();
  readonly #jitter = new Map<string, number>();

  /** Opens a link, or joins the one that has this key. Rejects with what `open` rejects with. */
  async acquire(key: string, open: (signal: AbortSignal) => Promise<Link>, signal: AbortSignal): Promise<Lease> {
    const entry = this.#entries.get(key) ?? this.#begin(key, open);
    entry.users += 1;
    let left = false;
    const release = () => {
      if (left) return;
      left = true;
      entry.users -= 1;
      if (entry.users > 0) return;
      this.#forget(key, entry);
      entry.controller.abort(new Fault('LINK_LOST', 'nobody waits for this link any more; nothing to do'));
      entry.link.then(
        (link) => link.close(),
        () => undefined,
      );
    };
    signal.addEventListener('abort', release, { once: true });
    try {
      const link = await entry.link;
      signal.throwIfAborted();
      return { link, release };
    } catch (error) {
      release();
      throw error;
    } finally {
      signal.removeEventListener('abort', release);
    }
  }

  /** A number in [0, 1), the same for all lanes that share a key: so they try again together, as one. */
  jitter(key: string): number {
    return this.#jitter.get(key) ?? Math.random();
  }

  #begin(key: string, open: (signal: AbortSignal) => Promise<Link>): Entry {
    const controller = new AbortController();
    this.#jitter.set(key, Math.random());
    const link = open(controller.signal);
    const entry: Entry = { link, controller, users: 0 };
    this.#entries.set(key, entry);
    link.then(
      (opened) => opened.onLost(() => this.#forget(key, entry)),
      () => this.#forget(key, entry),
    );
    return entry;
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
