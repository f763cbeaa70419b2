import { Fault } from '../../model/fault.ts';
import type { Link } from '../../ssh/link/link.ts';

interface Entry {
  readonly link: Promise<Link>;
  readonly controller: AbortController;
  /** Whose place it is to take; null: nobody's. */
  before: Entry | null;
  users: number;
  /** Once it is open. */
  opened: Link | null;
  over: boolean;
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

  /**
   * Opens a link, or joins the one that has this key. One whose life is in doubt is not joined, but gets a successor, once for all lanes; should
   * that not come to be, it has the key again. Rejects with what `open` rejects with.
   */
  async acquire(key: string, open: (signal: AbortSignal) => Promise<Link>, signal: AbortSignal): Promise<Lease> {
    const present = this.#entries.get(key) ?? null;
    const joined = present?.opened?.doubted === true ? null : present;
    const entry = joined ?? this.#begin(key, open, present);
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

  #begin(key: string, open: (signal: AbortSignal) => Promise<Link>, before: Entry | null): Entry {
    const controller = new AbortController();
    this.#jitter.set(key, Math.random());
    const link = open(controller.signal);
    const entry: Entry = { link, controller, before, users: 0, opened: null, over: false };
    this.#entries.set(key, entry);
    link.then(
      (opened) => {
        entry.opened = opened;
        opened.onLost(() => this.#forget(key, entry));
      },
      () => this.#forget(key, entry),
    );
    return entry;
  }

  /** Whose place it took, or was to take, has the key again if it lives. */
  #forget(key: string, entry: Entry): void {
    entry.over = true;
    const { before } = entry;
    const now = this.#entries.get(key);
    if (now?.before === entry) now.before = before;
    if (now !== entry) return;
    if (before === null || before.over) this.#entries.delete(key);
    else this.#entries.set(key, before);
  }
}
