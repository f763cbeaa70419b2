/** The first window of a channel: what a reader that never reads may cost. */
export const firstWindow = 256 * 1024;
/** ssh2 and OpenSSH stop at 2 MiB, which is 2 MiB per round trip; more is granted only to a reader that keeps up. */
const largest = 16 * 1024 * 1024;
/** What all channels of a link together may be granted beyond their first windows. */
const spareOfLink = 64 * 1024 * 1024;

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

  constructor(budget: WindowBudget) {
    this.#budget = budget;
  }

  /** How many bytes to grant now. `left`: what the server may still send; `unread`: what waits here for a reader that is away. */
  grant(left: number, unread: number): number {
    if (unread > 0) {
      if (unread >= firstWindow) this.release();
      return 0;
    }
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
