import type { Pace } from './pace.ts';

/** The first window of a channel: what a reader that never reads may cost. */
export const firstWindow = 256 * 1024;
/** As in ssh2 and OpenSSH. Measured on loopback, 16 MiB halved the speed: sshd moves its buffers about. Far hosts would gain. */
const largest = 2 * 1024 * 1024;
/** What all channels of a relay together may be granted beyond their first windows. */
export const spareOfRelay = 64 * 1024 * 1024;
/** A reader that is away for longer begins anew, ms; a slow one pauses all the time. */
const patience = 1_000;

/** The bytes that the channels of a relay, or of one of its lanes, may still be granted beyond their first windows. */
export interface WindowBudget {
  spare: number;
}

export function windowBudget(spare = spareOfRelay): WindowBudget {
  return { spare };
}

/**
 * The receive window of one channel (RFC 4254 section 5.2): doubles while the reader keeps up and the link is quick, falls back when the
 * reader stalls. On a slow link it is a part of what arrives in the time that a ping may take: all beyond would wait on the way, before
 * whatever comes later.
 */
export class ReceiveWindow {
  readonly #budget: WindowBudget;
  readonly #pace: Pace;
  #size: number;
  #last: number;
  #away: number | null = null;
  #cameSinceFit = 0;

  /** `first`: what the server was allowed when the channel was opened. */
  constructor(budget: WindowBudget, pace: Pace, first: number) {
    this.#budget = budget;
    this.#pace = pace;
    this.#size = first;
    this.#last = first;
  }

  /**
   * How many bytes to grant now. `left`: what the server may still send; `unread`: what waits here for a reader that is away;
   * `now`: ms of a clock that never jumps.
   */
  grant(left: number, unread: number, now: number): number {
    const came = this.#last - left;
    this.#last = left;
    if (came > 0) this.#pace.came(came);
    this.#cameSinceFit += came;
    if (unread > 0) {
      this.#away ??= now;
      return 0;
    }
    if (this.#away !== null && now - this.#away > patience) this.release();
    this.#away = null;
    // Where grants wait behind an upload, half a window would be used up before the next one has arrived.
    const step = this.#pace.wasSlow(now) ? this.#size / 8 : this.#size / 2;
    if (left > this.#size - step) return 0;
    if (this.#cameSinceFit >= this.#size / 2) this.#fit(now);
    const amount = Math.max(0, this.#size - left);
    this.#last += amount;
    return amount;
  }

  /** Gives back what goes beyond the first window. */
  release(): void {
    this.#resize(Math.min(this.#size, firstWindow));
  }

  #fit(now: number): void {
    this.#cameSinceFit = 0;
    const wanted = Math.min(largest, this.#pace.grant(this, this.#size, now));
    const more = Math.max(wanted, firstWindow) - Math.max(this.#size, firstWindow);
    if (more <= this.#budget.spare) this.#resize(wanted);
  }

  #resize(size: number): void {
    this.#budget.spare -= Math.max(size, firstWindow) - Math.max(this.#size, firstWindow);
    this.#size = size;
  }
}
