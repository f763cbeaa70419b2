import type { Event, Fact } from '../model/event.ts';
import { emptySnapshot, fold, type Snapshot } from '../model/snapshot.ts';

/** How many events a late reader can still get. */
const kept = 1_000;

/** Who reads, and how far. */
interface Reader {
  readonly tell: (event: Event) => void;
  /** The number of the last event that it was told. */
  told: number;
  /** It is being told one: what it adds meanwhile comes after that. */
  busy: boolean;
}

/** Numbers and dates facts, folds them into the snapshot, and tells every reader in order. */
export class EventLog {
  readonly #ring: Event[] = [];
  readonly #readers = new Set<Reader>();
  #snapshot: Snapshot = emptySnapshot;

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** A reader may add one in its turn: every other reader is told of this one first all the same. */
  add(fact: Fact): void {
    const event: Event = { ...fact, id: this.#snapshot.id + 1, at: Date.now() };
    this.#snapshot = fold(this.#snapshot, event);
    this.#ring.push(event);
    if (this.#ring.length > kept) this.#ring.shift();
    for (const reader of this.#readers) this.#tell(reader);
  }

  /** Calls back for each kept event after number `after`, then for each new one. Returns the unsubscribe. */
  subscribe(after: number, tell: (event: Event) => void): () => void {
    const reader: Reader = { tell, told: Math.min(after, this.#snapshot.id), busy: false };
    this.#readers.add(reader);
    this.#tell(reader);
    return () => this.#readers.delete(reader);
  }

  #tell(reader: Reader): void {
    if (reader.busy) return;
    reader.busy = true;
    try {
      for (let event = this.#after(reader.told); event !== undefined; event = this.#after(reader.told)) {
        if (!this.#readers.has(reader)) return;
        reader.told = event.id;
        reader.tell(event);
      }
    } finally {
      reader.busy = false;
    }
  }

  /** The first kept event after this number. Their numbers have no gaps. */
  #after(id: number): Event | undefined {
    const first = this.#ring[0]?.id ?? 0;
    return this.#ring[Math.max(0, id + 1 - first)];
  }
}
