import type { Link } from '../../ssh/link/link.ts';

/** The link that new clients of a lane go over; null while none answers. */
export class LeadLink {
  #link: Link | null = null;
  readonly #listeners = new Set<(link: Link) => unknown>();

  get link(): Link | null {
    return this.#link;
  }

  set link(link: Link | null) {
    this.#link = link;
    if (link !== null) for (const listener of [...this.#listeners]) listener(link);
  }

  /** Calls back with each link that there is from now on. Returns the unsubscribe. */
  listen(listener: (link: Link) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
