import type { LaneId, ToSupervisor } from '../../protocol.ts';
import { PermitOffice } from './permit-office.ts';
import { Questions, type QuestionsPorts } from './questions.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

type Wish = Extract<ToSupervisor, { say: 'permit' | 'reached' | 'shaken' | 'ask' | 'withdraw' }>;

/** Where workers come with what they need before a login: a permit, and answers. */
export class Desk {
  readonly questions: Questions;
  readonly #permits = new PermitOffice((lane) => this.questions.attended(lane));

  constructor(ports: Omit<QuestionsPorts, 'pause'>) {
    const pause = (keeper: WorkerKeeper, lane: LaneId, waits: boolean) => this.#permits.pause(keeper, lane, waits);
    this.questions = new Questions({ ...ports, pause });
  }

  heard(keeper: WorkerKeeper, wish: Wish): void {
    switch (wish.say) {
      case 'permit':
        return this.#permits.ask(keeper, wish);
      case 'reached':
        return this.#permits.reached(keeper, wish.request);
      case 'ask':
        return this.questions.ask(keeper, wish);
      case 'withdraw':
        return this.questions.withdraw(keeper, wish.request);
      case 'shaken': {
        // First what its answers were: whoever is let in by the permit that comes back may be handed them.
        const lane = this.#permits.holder(keeper, wish.request);
        if (lane !== null) this.questions.shaken(keeper, lane, wish.fault);
        return this.#permits.shaken(keeper, wish);
      }
    }
  }

  /** A dead worker gives back what it held. */
  gone(keeper: WorkerKeeper): void {
    this.questions.gone(keeper);
    this.#permits.gone(keeper);
  }

  close(): void {
    this.questions.close();
    this.#permits.close();
  }
}
