/** A quarter of a second of 1 Mbit/s, bytes. */
const least = 32 * 1024;
const most = 16 * 1024 * 1024;
/** So long nobody is suspicious, and so long after a step that brought nothing none is tried: twice as long after each. ms */
const calm = 5_000;
const shortest = 20_000;
const longest = 160_000;
/** A step up is worth it when it brings so much more, a step down when it costs no more than that. */
const gain = 1.5;
const loss = 0.75;
/** What was on the way before a step still counts in the first look after it. */
const looks = 2;

interface Trial {
  readonly from: number;
  readonly rate: number;
  looks: number;
}

/**
 * What may be on the way over a link at least, however long pings take. They may take long because the way has become longer, or because
 * others fill it: then less on the way makes it no shorter, and more brings more. So it is tried, now and then.
 */
export class Floor {
  #bytes = least;
  #up = true;
  #next: number | null = null;
  #pause = shortest;
  #trial: Trial | null = null;

  get bytes(): number {
    return this.#bytes;
  }

  /** Pings are quick enough. */
  rest(): void {
    this.#bytes = least;
    this.#up = true;
    this.#next = null;
    this.#pause = shortest;
    this.#trial = null;
  }

  /** They are not, although no more than this is on the way, which carries so many bytes a ms. */
  look(rate: number, now: number): void {
    this.#next ??= now + calm;
    if (this.#trial !== null) this.#judge(this.#trial, rate, now);
    if (this.#trial === null && now >= this.#next) this.#try(rate);
  }

  #try(rate: number): void {
    if (this.#bytes === least) this.#up = true;
    if (this.#bytes === most) this.#up = false;
    this.#trial = { from: this.#bytes, rate, looks: 0 };
    this.#bytes = this.#up ? this.#bytes * 2 : this.#bytes / 2;
  }

  #judge(trial: Trial, rate: number, now: number): void {
    trial.looks += 1;
    const worth = rate >= trial.rate * (this.#up ? gain : loss);
    // What is lost shows at once, what is gained only when all that was on the way before has arrived.
    if (trial.looks < looks && worth !== this.#up) return;
    this.#trial = null;
    if (worth) return;
    this.#bytes = trial.from;
    this.#up = !this.#up;
    this.#next = now + this.#pause;
    this.#pause = Math.min(longest, this.#pause * 2);
  }
}
