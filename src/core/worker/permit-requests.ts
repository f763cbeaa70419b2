import type { Fault, FaultReport } from '../model/fault.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import type { Permit } from '../ssh/open-link.ts';
import { Withheld } from './withheld.ts';

/** Which handshake a permit is asked for. */
export interface Handshake {
  readonly by: LaneId;
  readonly host: string;
  readonly account: string;
  /** A user or a changed file asked for this attempt. */
  readonly forced: boolean;
}

interface Waiting {
  readonly grant: () => void;
  readonly refuse: (why: Withheld) => void;
}

/** Asks the supervisor before each handshake, and tells it how the handshake went. */
export class PermitRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Resolves when the supervisor grants it; rejects with Withheld where the host or the credentials are to be left alone. */
  ask(handshake: Handshake, signal: AbortSignal): Promise<Permit> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const aborted = () => {
        this.#waiting.delete(request);
        this.#say({ say: 'shaken', request, fault: 'cancelled' });
        reject(signal.reason);
      };
      signal.addEventListener('abort', aborted, { once: true });
      const answered = (settle: () => void) => {
        signal.removeEventListener('abort', aborted);
        this.#waiting.delete(request);
        settle();
      };
      this.#waiting.set(request, {
        grant: () => answered(() => resolve({ done: (fault) => this.#done(request, fault) })),
        refuse: (why) => answered(() => reject(why)),
      });
      this.#say({ say: 'permit', request, ...handshake });
    });
  }

  granted(request: number): void {
    this.#waiting.get(request)?.grant();
  }

  withheld(request: number, fault: FaultReport, wait: number): void {
    this.#waiting.get(request)?.refuse(new Withheld(fault, wait));
  }

  #done(request: number, fault: Fault | null): void {
    this.#say({ say: 'shaken', request, fault: fault === null ? null : fault.report() });
  }
}
