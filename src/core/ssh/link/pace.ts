import { Floor } from './floor.ts';
import { Rate } from './rate.ts';
import { Readers } from './readers.ts';

/** No link needs more, bytes. */
const mostOnWay = 64 * 1024 * 1024;
/** A queue of so long a time, beyond twice the way itself, keeps any link busy; two where both directions are. ms */
const queue = 250;
/** So few bytes make no queue. */
const few = 16 * 1024;
/** Bytes that come between two questions, and the shortest time between them, ms. */
const piece = 32 * 1024;
const pause = 10;
/** Questions that may wait for their answers while bytes are sent: each answer makes room for a part. */
const questions = 4;
/** A server that owes an answer for so long may never give it; the link's life is the pulse's affair. ms */
const patience = 30_000;
/** So long it is remembered that a link was slow, ms. */
const memory = 60_000;

interface Question {
  readonly at: number;
  readonly given: number;
  readonly onWay: number;
  readonly came: number;
  /** Nothing else is on the way. */
  readonly alone: boolean;
}

/**
 * How many bytes may be on the way over a link, learned from how long pings take: they queue behind what was sent before, in the kernel, in
 * routers, in proxies, where nobody else sees it. Where one takes much longer than the fastest, no more may be on the way than the link
 * carries in the time that it may take; where it does not, twice as much as before.
 */
export class Pace {
  readonly #ask: () => void;
  readonly #now: () => number;
  readonly #questions: Question[] = [];
  #given = 0;
  #confirmed = 0;
  #came = 0;
  readonly #floor = new Floor();
  #allowed = this.#floor.bytes;
  /** How long a ping takes when nothing else is on the way, ms. */
  #way: number | null = null;
  readonly #up = new Rate();
  readonly #down = new Rate();
  readonly #all = new Rate();
  #asked = { at: 0, given: 0, came: 0 };
  #behind = false;
  #took = 0;
  #moved = 0;
  #late = Number.NEGATIVE_INFINITY;
  #both = false;
  readonly #readers = new Readers(2 * queue);
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `ask` sends a ping, which comes back by `asked`; `now`: ms of a clock that never jumps. */
  constructor(ask: () => void, now: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#now = now;
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

  /** How many bytes a reader may be granted that has used up what it had. */
  grant(reader: object, before: number, now: number): number {
    this.#readers.add(reader, now);
    return this.slow(now) ? cut(before, this.#part) : this.#more(before, before, this.#readers.count);
  }

  /** Whether pings take longer than they may. */
  slow(now: number): boolean {
    const oldest = this.#way === null ? undefined : this.#questions[0];
    return this.#behind || (oldest !== undefined && now - oldest.at > this.tolerable);
  }

  /** How many bytes a new reader may be granted, where the link bears `most`. */
  first(most: number, now: number): number {
    return this.wasSlow(now) ? Math.min(most, this.#part) : most;
  }

  /** Whether they do, or did a while ago. */
  wasSlow(now: number): boolean {
    return this.slow(now) || now - this.#late < memory;
  }

  /** So many bytes were handed to the link. */
  gave(bytes: number): void {
    this.#given += bytes;
    const enough = Math.max(few, this.#allowed / questions, this.#often(this.#up));
    if (this.#given - this.#asked.given >= enough) this.#wonder(questions);
  }

  /** So many bytes came. */
  came(bytes: number): void {
    this.#came += bytes;
    const enough = Math.max(piece, this.#often(this.#down));
    if (this.#came - this.#asked.came >= enough) this.#wonder(1);
  }

  /** Calls back when there may be room again. */
  onceAnswered(listener: () => void): void {
    this.#waiting.push(listener);
    if (this.#questions.length === 0) this.#ask();
    this.#timer ??= setTimeout(() => this.#release(this.#given), patience).unref();
  }

  /** A ping leaves, whoever asked for it; what comes back is called with the answer. */
  asked(): () => void {
    const at = this.#now();
    const onWay = this.#given - this.#confirmed;
    const alone = this.#questions.length === 0 && onWay === 0 && at - this.#moved > 1_000;
    const question = { at, given: this.#given, onWay, came: this.#came, alone };
    this.#questions.push(question);
    this.#asked = question;
    return () => this.#hear(question);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** What each of those that read may have on a slow link. */
  get #part(): number {
    return this.#readers.part(Math.max(this.#floor.bytes, this.#fitting(this.#downward)));
  }

  /** What it may carry down. What holds pings up may be the upload: the download must be free to show that more comes, or it stays small. */
  get #downward(): number {
    const { best } = this.#down;
    return this.#both ? Math.max(best, Math.min(this.#up.best, 2 * best)) : best;
  }

  /** Bytes of a fast link after which it is soon enough to ask. */
  #often(rate: Rate): number {
    return (rate.best * this.tolerable) / (2 * questions);
  }

  #wonder(most: number): void {
    if (this.#questions.length >= most) return;
    this.#moved = this.#now();
    if (this.#moved - this.#asked.at >= pause - this.#took / 2) this.#ask();
  }

  #hear(question: Question): void {
    // They are answered in their order.
    this.#questions.shift();
    const now = this.#now();
    const took = now - question.at;
    const down = this.#came - question.came > few;
    const up = question.onWay > few;
    if (this.#way === null || took < this.#way) this.#way = took;
    // Another route may be longer; what made a ping wait may be seen only after its answer, so that none counts for more than twice.
    else if (question.alone && this.#given === question.given && this.#came === question.came)
      this.#way = Math.min(took, this.#way * 2);
    this.#both = down && up;
    this.#readers.look(now);
    this.#up.look(question.given, now, took);
    this.#down.look(this.#came, now, took);
    this.#took = took;
    this.#behind = took > this.tolerable;
    const looked = this.#all.look(question.given + this.#came, now, took);
    if (this.#behind) {
      this.#late = now;
      if (looked && this.#fitting(this.#all.last) < this.#floor.bytes) this.#floor.look(this.#all.last, now);
      const fitting = Math.max(this.#floor.bytes, this.#fitting(this.#up.best || question.onWay / took));
      if (up) this.#allowed = Math.max(this.#floor.bytes, cut(this.#allowed, fitting));
    } else {
      this.#floor.rest();
      const tried = question.onWay >= this.#allowed / 2;
      if (tried) this.#allowed = Math.min(mostOnWay, this.#more(this.#allowed, question.onWay, questions));
    }
    this.#release(question.given);
  }

  /** What this rate brings in a little less than the time that a ping may take. */
  #fitting(rate: number): number {
    return rate * this.tolerable * 0.8;
  }

  /**
   * What is allowed next where this was too little: twice what was tried, or a step near the end. Steps are the same for both directions and all
   * readers, and cuts are in proportion, so that who had less catches up.
   */
  #more(before: number, tried: number, sharers: number): number {
    if (this.#took < this.tolerable / 2) return Math.max(before, tried * 2);
    const carried = Math.max(this.#up.best, this.#down.best) * this.tolerable;
    return before + Math.round(Math.max(few, carried / 16) / sharers);
  }

  #release(confirmed: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#confirmed = Math.max(this.#confirmed, confirmed);
    for (const listener of this.#waiting.splice(0)) listener();
  }
}

/** No more than what fits, in steps: one answer may be late for other reasons. */
function cut(before: number, fitting: number): number {
  return Math.round(Math.max(Math.min(before, fitting), before / 2));
}
