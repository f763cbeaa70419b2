import { Fault, type FaultReport } from '../model/fault.ts';
import type { LaneId, ToSupervisor } from '../protocol.ts';
import type { Permit } from '../ssh/open-link.ts';
import { Requests } from './requests.ts';
import { Withheld } from './lane/withheld.ts';

/** Which handshake a permit is asked for. */
export interface Handshake {
  readonly by: LaneId;
  readonly host: string;
  readonly account: string;
  /** A user or a changed file asked for this attempt. */
  readonly forced: boolean;
}

/** Asks the supervisor before each handshake, and tells it how the handshake went. */
export class PermitRequests {
  readonly #say: (message: ToSupervisor) => void;
  readonly #requests = new Requests<Permit>();

  constructor(say: (message: ToSupervisor) => void) {
    this.#say = say;
  }

  /** Resolves when the supervisor grants it; rejects with Withheld where the host or the credentials are to be left alone. */
  ask(handshake: Handshake, signal: AbortSignal): Promise<Permit> {
    return this.#requests.ask(
      (request) => this.#say({ say: 'permit', request, ...handshake }),
      (request) => this.#say({ say: 'shaken', request, fault: 'cancelled' }),
      signal,
    );
  }

  granted(request: number, spare: number): void {
    this.#requests.answer(request, {
      spare,
      reached: () => this.#say({ say: 'reached', request }),
      done: (end) => this.#say({ say: 'shaken', request, fault: end instanceof Fault ? end.report() : end }),
    });
  }

  withheld(request: number, fault: FaultReport, wait: number): void {
    this.#requests.refuse(request, new Withheld(fault, wait));
  }
}
