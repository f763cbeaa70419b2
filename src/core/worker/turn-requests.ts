import type { Turn } from '../plugin/turn.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';

/** Asks the supervisor for a lane's turn among those of its relay, which live in other processes. */
export class TurnRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, () => void>();
  #last = 0;

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Lets one call of this lane through when no other lane of its relay is at it. */
  of(lane: LaneId): Turn {
    return async (run, signal) => {
      this.#last += 1;
      const request = this.#last;
      try {
        await this.#enter(lane, request, signal);
        return await run();
      } finally {
        this.#waiting.delete(request);
        this.#say({ say: 'turned', lane, request });
      }
    };
  }

  granted(request: number): void {
    this.#waiting.get(request)?.();
  }

  #enter(lane: LaneId, request: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const aborted = () => reject(signal.reason);
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.set(request, () => {
        signal.removeEventListener('abort', aborted);
        resolve();
      });
      this.#say({ say: 'turn', lane, request });
    });
  }
}
