/** What may be on the way at first, and on the narrowest link: half a second of 1 Mbit/s, bytes. */
const leastOnWay = 64 * 1024;
/** No link needs more, bytes. */
const mostOnWay = 64 * 1024 * 1024;
/** A queue of so long a time, beyond twice the way itself, keeps any link busy; two where both directions are. ms */
const queue = 250;
/** So few bytes make no queue. */
const few = 16 * 1024;
/** Bytes that come between two questions, and the shortest time between them, ms. */
const piece = 32 * 1024;
const pause = 10;
/** A server that owes an answer for so long may never give it; the link's life is the pulse's affair. ms */
const patience = 30_000;
/** So long it is remembered that a link was slow, ms. */
const memory = 10_000;

interface Question {
  readonly at: number;
  readonly given: number;
  readonly onWay: number;
  readonly came: number;
}

/**
 * How many bytes may be on the way over a link, learned from how long pings take: they queue behind what was sent before, in the kernel, in
 * routers, in proxies, where nobody else sees it. A ping much slower than the fastest halves what may be sent ahead, down to 64 KiB; a fast one
 * doubles it where it was too little.
 */
export class Pace {
  readonly #ask: () => void;
  readonly #questions: Question[] = [];
  #given = 0;
  #confirmed = 0;
  #came = 0;
  #allowed = leastOnWay;
  #short = false;
  /** How long a ping takes when nothing else is on the way, ms. */
  #way: number | null = null;
  #answered = 0;
  #asked = { at: 0, given: 0, came: 0 };
  #slow = Number.NEGATIVE_INFINITY;
  #both = false;
  #readers = new Set<object>();
  #reading = 1;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `ask` sends a ping, which comes back by `asked`. */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** How many bytes may be sent now. */
  get room(): number {
    // Who never answers pings cannot be paced.
    if (this.#way === null) return mostOnWay;
    return this.#allowed - (this.#given - this.#confirmed);
  }

  /** How long a ping may take, ms. */
  get tolerable(): number {
    return 2 * (this.#way ?? 0) + (this.#both ? 2 * queue : queue);
  }

  /** What each of those that read now may be granted at least, bytes. */
  get share(): number {
    return Math.max(few, leastOnWay / this.#reading);
  }

  /** Whether pings take longer than they may, or did a moment ago. */
  slow(now: number): boolean {
    const oldest = this.#questions[0];
    return now - this.#slow < memory || (oldest !== undefined && now - oldest.at > this.tolerable);
  }

  /** So many bytes were handed to the link. */
  gave(bytes: number): void {
    this.#given += bytes;
    if (this.#given - this.#asked.given >= Math.max(few, this.#allowed / 4)) this.#wonder();
  }

  /** So many bytes came for `reader`. */
  came(bytes: number, reader: object): void {
    this.#came += bytes;
    this.#readers.add(reader);
    if (this.#came - this.#asked.came >= piece) this.#wonder();
  }

  /** Calls back when there may be room again. */
  onceAnswered(listener: () => void): void {
    this.#short = true;
    this.#waiting.push(listener);
    if (this.#questions.length === 0) this.#ask();
    this.#timer ??= setTimeout(() => this.#release(this.#given), patience).unref();
  }

  /** A ping leaves, whoever asked for it; what comes back is called with the answer. */
  asked(): () => void {
    const at = performance.now();
    const question = { at, given: this.#given, onWay: this.#given - this.#confirmed, came: this.#came };
    this.#questions.push(question);
    this.#asked = question;
    return () => this.#hear(question);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wonder(): void {
    if (this.#questions.length === 0 && performance.now() - this.#asked.at >= pause) this.#ask();
  }

  #hear(question: Question): void {
    // They are answered in their order.
    this.#questions.shift();
    const now = performance.now();
    const took = now - question.at;
    const down = this.#came - question.came > few;
    const up = question.onWay > few;
    if (this.#way === null || took < this.#way) this.#way = took;
    else if (!down && !up) this.#way += (took - this.#way) / 4;
    this.#both = down && up;
    this.#reading = Math.max(1, this.#readers.size);
    this.#readers.clear();
    const span = Math.max(1, Math.min(took, now - this.#answered));
    const delivered = question.given - this.#confirmed;
    this.#answered = now;
    if (took > this.tolerable) {
      this.#slow = now;
      const fitting = (delivered / span) * this.tolerable;
      if (up) this.#allowed = Math.max(leastOnWay, Math.min(this.#allowed, Math.max(fitting, this.#allowed / 2)));
    } else {
      this.#slow = Number.NEGATIVE_INFINITY;
      const factor = took > this.tolerable / 2 ? 1.25 : 2;
      if (this.#short) this.#allowed = Math.min(mostOnWay, this.#allowed * factor);
    }
    this.#release(question.given);
  }

  #release(confirmed: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#confirmed = Math.max(this.#confirmed, confirmed);
    this.#short = false;
    for (const listener of this.#waiting.splice(0)) listener();
  }
}
