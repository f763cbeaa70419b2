import type { Fault } from '../model/fault.ts';
import type { ToSupervisor } from '../protocol.ts';
import type { Permit } from '../ssh/open-link.ts';

/** Asks the supervisor before each handshake, and tells it how the handshake went. */
export class PermitRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, () => void>();
  #last = 0;

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Resolves when the supervisor grants it. `forced`: a user or a changed file asked for this attempt. */
  ask(host: string, account: string, forced: boolean, signal: AbortSignal): Promise<Permit> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#waiting.delete(request);
        this.#say({ say: 'shaken', request, fault: 'cancelled' });
        reject(signal.reason);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.set(request, () => {
        signal.removeEventListener('abort', aborted);
        resolve({ done: (fault: Fault | null) => this.#done(request, fault) });
      });
      this.#say({ say: 'permit', request, host, account, forced });
    });
  }

  granted(request: number): void {
    this.#waiting.get(request)?.();
    this.#waiting.delete(request);
  }

  #done(request: number, fault: Fault | null): void {
    this.#say({ say: 'shaken', request, fault: fault === null ? null : fault.report() });
  }
}
