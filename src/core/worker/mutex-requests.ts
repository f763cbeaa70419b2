import type { Mutex } from '../plugin/mutex.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import { Requests } from './requests.ts';

/** Asks the supervisor for the mutex of a relay, whose other lanes live in other processes. */
export class MutexRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #requests = new Requests<() => void>();

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Lets one call of this lane through when no other lane of its relay is at it. */
  of(lane: LaneId): Mutex {
    return async (run, signal) => {
      const release = await this.#requests.ask(
        (request) => this.#say({ say: 'acquire', lane, request }),
        (request) => this.#say({ say: 'release', lane, request }),
        signal,
      );
      try {
        signal.throwIfAborted();
        return await run();
      } finally {
        release();
      }
    };
  }

  acquired(lane: LaneId, request: number): void {
    this.#requests.answer(request, () => this.#say({ say: 'release', lane, request }));
  }
}
