import type { Event, Fact } from '../model/event.ts';
import { emptySnapshot, fold, type Snapshot } from '../model/snapshot.ts';

/** How many events a late reader can still get. */
const kept = 1_000;

/** Numbers and dates facts, folds them into the snapshot, and tells every reader in order. */
export class EventLog {
  readonly #ring: Event[] = [];
  readonly #readers = new Set<(event: Event) => void>();
  #snapshot: Snapshot = emptySnapshot;

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  add(fact: Fact): void {
    const event: Event = { ...fact, id: this.#snapshot.id + 1, at: Date.now() };
    this.#snapshot = fold(this.#snapshot, event);
    this.#ring.push(event);
    if (this.#ring.length > kept) this.#ring.shift();
    for (const reader of this.#readers) reader(event);
  }

  /** Calls back for each kept event after number `after`, then for each new one. Returns the unsubscribe. */
  subscribe(after: number, reader: (event: Event) => void): () => void {
    for (const event of this.#ring) if (event.id > after) reader(event);
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }
}
