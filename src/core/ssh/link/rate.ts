/** The best of the last so many ms counts: what is slower now may be held up by what goes the other way. */
const memory = 5_000;
/** A shorter look would take for a rate what answers that were held up bring all at once, ms; the first one may be. */
const shortest = 1_000;
const first = 200;
/** With fewer bytes than this nobody tried. */
const least = 16 * 1024;

/** What a link carries one way when it is kept busy, bytes a millisecond. */
export class Rate {
  #from = { total: 0, at: 0 };
  #turned = 0;
  #best = 0;
  #before = 0;
  #last = 0;

  /** 0: nobody has tried. */
  get best(): number {
    return Math.max(this.#best, this.#before);
  }

  /** The last one that was looked at. */
  get last(): number {
    return this.#last;
  }

  /** So many bytes have arrived since the link began. `span`: how long they may have been on the way, ms. Whether there is a new `last`. */
  look(total: number, now: number, span: number): boolean {
    const time = now - this.#from.at;
    if (time < Math.max(this.best === 0 ? first : shortest, 2 * span)) return false;
    const moved = total - this.#from.total;
    this.#from = { total, at: now };
    if (moved < least) return false;
    if (now - this.#turned > memory) {
      this.#turned = now;
      this.#before = this.#best;
      this.#best = 0;
    }
    this.#last = moved / time;
    this.#best = Math.max(this.#best, this.#last);
    return true;
  }
}
