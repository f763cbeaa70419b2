import type { FaultReport } from '../../model/fault.ts';
import type { LaneId, ToSupervisor } from '../../protocol.ts';
import type { Asker } from './permit-records.ts';
import { Permits } from './permits.ts';
import { relayOf } from './waiting-question.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

type Ask = Extract<ToSupervisor, { say: 'permit' }>;
type Shaken = Extract<ToSupervisor, { say: 'shaken' }>;

interface Asked {
  readonly host: string;
  readonly asker: Asker;
  granted: boolean;
  /** The host has been reached: a handshake that ends now stands in its log. */
  reached: boolean;
}

/** The counter at which workers ask for permits: knows which worker asked for which, and takes back what a dead one held. */
export class PermitOffice {
  readonly #permits = new Permits();
  readonly #attended: (lane: LaneId) => boolean;
  readonly #asked = new Map<WorkerKeeper, Map<number, Asked>>();

  /** `attended`: somebody is there to answer what a lane's host asks. */
  constructor(attended: (lane: LaneId) => boolean) {
    this.#attended = attended;
  }

  /** Answers with `permit` or `withheld`, now or later. */
  ask(keeper: WorkerKeeper, { request, host, by: lane, account, forced }: Ask): void {
    const asker: Asker = {
      lane,
      account,
      forced,
      attended: () => this.#attended(lane),
      grant: (spare) => {
        asked.granted = true;
        keeper.send({ say: 'permit', request, spare });
      },
      withhold: (fault, wait) => {
        this.#asked.get(keeper)?.delete(request);
        keeper.send({ say: 'withheld', request, fault: toldTo(relayOf(lane), fault), wait });
      },
      recovered: () => keeper.send({ say: 'nudge', lane, why: 'host' }),
    };
    const asked: Asked = { host, asker, granted: false, reached: false };
    const mine = this.#asked.get(keeper) ?? new Map<number, Asked>();
    this.#asked.set(keeper, mine.set(request, asked));
    this.#permits.ask(host, asker);
  }

  /** Whose handshake runs on a permit; null where none does. */
  holder(keeper: WorkerKeeper, request: number): LaneId | null {
    const asked = this.#asked.get(keeper)?.get(request);
    return asked?.granted === true ? asked.asker.lane : null;
  }

  /** The host knows of it from now on. */
  reached(keeper: WorkerKeeper, request: number): void {
    const asked = this.#asked.get(keeper)?.get(request);
    if (asked !== undefined) asked.reached = true;
  }

  /** The handshake is over, or is not wanted any more. */
  shaken(keeper: WorkerKeeper, { request, fault }: Shaken): void {
    const asked = this.#asked.get(keeper)?.get(request);
    if (asked === undefined) return;
    this.#asked.get(keeper)?.delete(request);
    if (asked.granted) this.#permits.shaken(asked.host, asked.asker, fault === 'cancelled' ? cancelled(asked) : fault);
    else this.#permits.withdraw(asked.host, asked.asker);
  }

  /** This lane's handshake waits for a person, or goes on. */
  pause(keeper: WorkerKeeper, lane: LaneId, waits: boolean): void {
    for (const { host, asker, granted } of this.#asked.get(keeper)?.values() ?? []) {
      if (!granted || asker.lane !== lane) continue;
      if (waits) this.#permits.park(host, asker);
      else this.#permits.unpark(host, asker);
    }
  }

  /** A dead worker gives its permits back: its handshakes died with it. */
  gone(keeper: WorkerKeeper): void {
    for (const asked of this.#asked.get(keeper)?.values() ?? []) {
      const { host, asker, granted } = asked;
      if (granted) this.#permits.shaken(host, asker, cancelled(asked));
      else this.#permits.withdraw(host, asker);
    }
    this.#asked.delete(keeper);
  }

  close(): void {
    this.#permits.close();
  }
}

function cancelled({ reached }: Asked): 'cancelled' | 'broken off' {
  return reached ? 'broken off' : 'cancelled';
}

/** What another relay with the same account met names that one; an answer to either serves both. */
function toldTo(relay: string, fault: FaultReport): FaultReport {
  if (fault.code !== 'NEEDS_ANSWER') return fault;
  return { ...fault, message: fault.message.replace(/`towline unlock [^`]*`/, `\`towline unlock ${relay}\``) };
}
