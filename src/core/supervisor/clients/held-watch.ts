import type { Connection } from './connection.ts';
import type { ClientsPorts } from './clients-ports.ts';

/** How often it is looked who of the held has left, ms: nobody reads their sockets, so that nothing tells. */
const period = 1_000;

/** Drops those of the held that have left, soon after they did; it rests while nobody is held. */
export class HeldWatch {
  readonly #held: () => readonly Connection[];
  readonly #departed: ClientsPorts['departed'];
  readonly #left: (connection: Connection) => void;
  #timer: NodeJS.Timeout | null = null;

  /** `left` is told of one that is still held. */
  constructor(
    held: () => readonly Connection[],
    departed: ClientsPorts['departed'],
    left: (connection: Connection) => void,
  ) {
    this.#held = held;
    this.#departed = departed;
    this.#left = left;
  }

  /** Somebody is held. */
  begin(): void {
    this.#timer ??= setTimeout(() => void this.#look(), period).unref();
  }

  async #look(): Promise<void> {
    const waited = this.#held();
    const gone = waited.length === 0 ? () => false : await this.#departed();
    for (const connection of waited) if (connection.at === 'held' && gone(connection.client)) this.#left(connection);
    this.#timer = null;
    if (this.#held().length > 0) this.begin();
  }
}
