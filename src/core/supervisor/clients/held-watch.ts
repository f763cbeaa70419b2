import type { Connection } from './connection.ts';
import type { ClientsPorts } from './clients-ports.ts';

/** How often it is looked who of the held has left, ms: nobody reads their sockets, so that nothing tells. */
const period = 1_000;
/** Who was accepted no longer ago counts as there, ms: to look who has left takes the kernel 30 ms. */
const fresh = 100;
/** A glance takes no longer, ms: on a machine that is busy, or has many sockets, who has left is served like the others. */
const longest = 1_000;

/** Knows who of the held has left, and drops them soon after they did; it rests while nobody is held. */
export class HeldWatch {
  readonly #held: () => readonly Connection[];
  readonly #departures: ClientsPorts['departures'];
  readonly #left: (connection: Connection) => void;
  #timer: NodeJS.Timeout | null = null;

  /** `left` is told of one that is still held. */
  constructor(
    held: () => readonly Connection[],
    departures: ClientsPorts['departures'],
    left: (connection: Connection) => void,
  ) {
    this.#held = held;
    this.#departures = departures;
    this.#left = left;
  }

  /** Somebody is held. */
  begin(): void {
    this.#timer ??= setTimeout(() => void this.#look(), period).unref();
  }

  /** Who of the held has left, as far as can be seen soon; null: all have just come. Knows nothing of who comes meanwhile. */
  glance(): Promise<ReadonlySet<Connection>> | null {
    const waited = this.#held();
    const old = performance.now() - fresh;
    return waited.every(({ since }) => since >= old) ? null : this.#seen(waited);
  }

  async #seen(waited: readonly Connection[]): Promise<ReadonlySet<Connection>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), longest);
    });
    const gone = await Promise.race([this.#departures.look(), late]);
    clearTimeout(timer);
    return new Set(gone === null ? [] : waited.filter(gone));
  }

  async #look(): Promise<void> {
    const waited = this.#held();
    const gone = waited.length === 0 ? () => false : await this.#departures.lately();
    for (const connection of waited) if (connection.at === 'held' && gone(connection)) this.#left(connection);
    this.#timer = null;
    if (this.#held().length > 0) this.begin();
  }
}
