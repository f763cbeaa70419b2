import { detectTime, type Keepalive } from '../../model/config.ts';

/**
 * Watches that a link is alive: any inbound byte is life; after `interval` of silence a ping is sent, and after
 * `interval * (count + 1)` the link counts as dead. Time in which this process did not run (sleep, SIGSTOP) is no silence.
 */
export class Pulse {
  readonly #keepalive: Keepalive;
  readonly #ping: () => void;
  readonly #silent: () => void;
  #last = performance.now();
  #tick = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(keepalive: Keepalive, ping: () => void, silent: () => void) {
    this.#keepalive = keepalive;
    this.#ping = ping;
    this.#silent = silent;
    this.#arm();
  }

  /** A byte came in. */
  beat(): void {
    this.#last = performance.now();
  }

  /** ms since the last inbound byte. */
  quietFor(): number {
    return performance.now() - this.#last;
  }

  /** Pings at once. */
  suspect(): void {
    this.#ping();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const { interval } = this.#keepalive;
    const left = detectTime(this.#keepalive) - this.quietFor();
    const wait = Math.max(1, Math.min(interval, left));
    this.#tick = performance.now() + wait;
    this.#timer = setTimeout(() => this.#ring(), wait);
    this.#timer.unref();
  }

  #ring(): void {
    const { interval } = this.#keepalive;
    const late = performance.now() - this.#tick;
    if (late > interval) {
      // The process itself was away: the server gets its whole time again.
      this.#last = performance.now();
      this.#ping();
    } else if (this.quietFor() >= detectTime(this.#keepalive)) {
      this.#silent();
      return;
    } else if (this.quietFor() >= interval - 1) {
      this.#ping();
    }
    this.#arm();
  }
}
