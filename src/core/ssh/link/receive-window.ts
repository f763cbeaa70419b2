/** The first window of a channel: what a reader that never reads may cost. */
export const firstWindow = 256 * 1024;
/** As in ssh2 and OpenSSH. Measured on loopback, 16 MiB halved the speed: sshd moves its buffers about. Far hosts would gain. */
const largest = 2 * 1024 * 1024;
/** What all channels of a link together may be granted beyond their first windows. */
const spareOfLink = 64 * 1024 * 1024;
/** A reader that is away for longer begins anew, ms; a slow one pauses all the time. */
const patience = 1_000;

/** The bytes that the channels of one link may still be granted beyond their first windows. */
export interface WindowBudget {
  spare: number;
}

export function windowBudget(): WindowBudget {
  return { spare: spareOfLink };
}

/** The receive window of one channel (RFC 4254 section 5.2): doubles while the reader keeps up, falls back when it stalls. */
export class ReceiveWindow {
  readonly #budget: WindowBudget;
  #size = firstWindow;
  #away: number | null = null;

  constructor(budget: WindowBudget) {
    this.#budget = budget;
  }

  /**
   * How many bytes to grant now. `left`: what the server may still send; `unread`: what waits here for a reader that is away;
   * `now`: ms of a clock that never jumps.
   */
  grant(left: number, unread: number, now: number): number {
    if (unread > 0) {
      this.#away ??= now;
      return 0;
    }
    if (this.#away !== null && now - this.#away > patience) this.release();
    this.#away = null;
    if (left > this.#size / 2) return 0;
    if (this.#size < largest && this.#budget.spare >= this.#size) {
      this.#budget.spare -= this.#size;
      this.#size *= 2;
    }
    return this.#size - left;
  }

  /** Gives back what goes beyond the first window. */
  release(): void {
    this.#budget.spare += this.#size - firstWindow;
    this.#size = firstWindow;
  }
}
