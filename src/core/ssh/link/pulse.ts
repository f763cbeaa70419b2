import { detectTime, type Keepalive } from '../../model/config.ts';

/** What is heard of a link's life. */
export interface PulseNews {
  /** Sends a question to which a living server answers. */
  ping(): void;
  /** Its life is in doubt: it was asked. `since`: when it was heard last, or this machine woke; ms of `performance.now()`. */
  doubted(since: number): void;
  /** It gave a sign of life. */
  trusted(): void;
  /** It counts as dead. */
  silent(): void;
}

/** A timer that fires so much too late tells that this process did not run (sleep, SIGSTOP, a machine too busy for it). ms */
const away = 1_000;

/**
 * Watches that a link is alive: any inbound byte is life; after `interval` of silence a ping is sent, after half of
 * `interval * (count + 1)` its life is in doubt, and after the whole it counts as dead. Time in which this process did not run is no silence,
 * and after it the link is asked at once.
 */
export class Pulse {
  readonly #keepalive: Keepalive;
  readonly #news: PulseNews;
  #last = performance.now();
  #tick = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #lastLook: NodeJS.Immediate | undefined;
  #doubted = false;

  constructor(keepalive: Keepalive, news: PulseNews) {
    this.#keepalive = keepalive;
    this.#news = news;
    this.#arm();
  }

  /** A byte came in. */
  beat(): void {
    this.#last = performance.now();
    if (!this.#doubted) return;
    this.#doubted = false;
    this.#news.trusted();
  }

  /** Since when it is in doubt, as `doubted` told it; null: it is not. */
  get doubtedSince(): number | null {
    return this.#doubted ? this.#last : null;
  }

  /** ms since the last inbound byte. */
  quietFor(): number {
    return performance.now() - this.#last;
  }

  /** Asks at once whether it lives. */
  suspect(): void {
    this.#news.ping();
    if (this.#doubted) return;
    this.#doubted = true;
    this.#news.doubted(this.#last);
  }

  /** This machine slept, or this process was stopped: all the silence so far is forgiven, and it is asked at once. */
  wake(): void {
    this.#forgive(this.quietFor());
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#lastLook);
  }

  /** The last look: what a busy process has not read yet is life too. A timer comes before what is to be read, this comes after it. */
  #give(): void {
    const last = this.#last;
    this.#lastLook = setImmediate(() => (this.#last === last ? this.#news.silent() : this.#arm()));
  }

  #forgive(silence: number): void {
    this.#last += silence;
    this.suspect();
    this.#arm();
  }

  #arm(): void {
    const { interval } = this.#keepalive;
    const quiet = this.quietFor();
    const detect = detectTime(this.#keepalive);
    const half = detect / 2 - quiet;
    const wait = Math.max(1, Math.min(interval, detect - quiet, half > 0 ? half : interval));
    this.#tick = performance.now() + wait;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ring(), wait);
    this.#timer.unref();
  }

  #ring(): void {
    const { interval } = this.#keepalive;
    const quiet = this.quietFor();
    const detect = detectTime(this.#keepalive);
    const late = performance.now() - this.#tick;
    // No more than that: a busy machine is late again and again, and would never find a dead link.
    if (late > away) return this.#forgive(Math.min(late, quiet));
    if (quiet >= detect) return this.#give();
    if (quiet >= detect / 2 - 1) this.suspect();
    else if (quiet >= interval - 1) this.#news.ping();
    this.#arm();
  }
}
