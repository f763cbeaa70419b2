import { type FaultReport, retryOf } from '../../model/fault.ts';
import { isReusable, type Question } from '../../model/question.ts';
import type { Secret } from '../../model/secret.ts';
import type { LaneId } from '../../protocol.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** How long an answer is kept unless its giver says otherwise, ms: a working day and its evening. */
export const keptFor = 12 * 60 * 60_000;

/** Node's timers know no longer time, ms. */
const longest = 2 ** 31 - 1;

/** An answer that a login has proven may so often in a row be sent and not be judged, as on a bad network; one that is new, never. */
const doubts = 3;

/** Who has been handed an answer. */
export interface Holder {
  readonly keeper: WorkerKeeper;
  readonly lane: LaneId;
}

interface Kept {
  readonly answers: readonly Secret[];
  readonly timer: NodeJS.Timeout;
  /** Lanes that it was handed to. */
  readonly lanes: Set<LaneId>;
  /** Who is trying it right now: the others wait for the outcome, so that a wrong one is sent once. */
  trial: Holder | null;
  proven: boolean;
  doubts: number;
  /** Its time was over while a login tried it: those who wait for the outcome are to hear of its end. */
  expired: boolean;
}

/**
 * Answers that are good for more than one login, in memory only. Each is handed to one login at a time, and forgotten when it was wrong,
 * or may have been: servers lock accounts.
 */
export class KeptAnswers {
  readonly #kept = new Map<string, Kept>();

  /** Keeps what was answered just now, in the hands of `by`, unless it is good for once only. */
  keep(question: Question, answers: readonly Secret[], lifetime: number, by: Holder): void {
    const { about } = question;
    if (!isReusable(question)) return;
    this.#drop(about);
    const timer = setTimeout(() => this.#expire(about), Math.min(lifetime, longest)).unref();
    const trial = isTried(question) ? by : null;
    const lanes = new Set([by.lane]);
    this.#kept.set(about, { answers, timer, lanes, trial, proven: false, doubts: 0, expired: false });
  }

  /** Hands it out; `busy` while another login tries it, null where there is none. */
  take(question: Question, by: Holder): readonly Secret[] | 'busy' | null {
    const kept = this.#kept.get(question.about);
    if (kept === undefined) return null;
    if (kept.trial !== null) return 'busy';
    if (isTried(question)) kept.trial = by;
    kept.lanes.add(by.lane);
    return kept.answers;
  }

  /** This lane asks again: what it was handed was wrong. One that came since then is left alone. */
  wrong(about: string, lane: LaneId): void {
    if (this.#kept.get(about)?.lanes.has(lane) === true) this.#drop(about);
  }

  /**
   * What a login said of the answers that it tried: right, wrong, or nothing (`lane` null: every lane of that worker). Names those
   * whose trial is over.
   */
  judge(keeper: WorkerKeeper, lane: LaneId | null, outcome: Outcome): readonly string[] {
    const over: string[] = [];
    for (const [about, kept] of [...this.#kept]) {
      if (kept.trial?.keeper !== keeper || (lane !== null && kept.trial.lane !== lane)) continue;
      over.push(about);
      kept.trial = null;
      if (outcome === 'right') kept.proven = true;
      kept.doubts = outcome === 'right' ? 0 : kept.doubts + 1;
      const doubtful = outcome === 'unknown' && (!kept.proven || kept.doubts >= doubts);
      if (outcome === 'wrong' || doubtful || kept.expired) this.#drop(about);
    }
    return over;
  }

  /** Forgets everything. */
  close(): void {
    for (const about of [...this.#kept.keys()]) this.#drop(about);
  }

  #expire(about: string): void {
    const kept = this.#kept.get(about);
    if (kept !== undefined && kept.trial !== null) kept.expired = true;
    else this.#drop(about);
  }

  #drop(about: string): void {
    clearTimeout(this.#kept.get(about)?.timer);
    this.#kept.delete(about);
  }
}

/** What a login says of the answers that it tried. `unknown`: it ended for a reason that has nothing to do with its answers, as far as is known. */
export type Outcome = 'right' | 'wrong' | 'unknown';

/** A passphrase is judged where it is used, and wrong ones lock nobody out. */
function isTried({ kind }: Question): boolean {
  return kind !== 'passphrase';
}

/** What the end of a handshake says of the answers that were given in it. */
export function outcomeOf(fault: FaultReport | 'cancelled' | null): Outcome {
  if (fault === null) return 'right';
  if (fault === 'cancelled') return 'unknown';
  const judged = fault.code !== 'NEEDS_ANSWER' && retryOf(fault) === 'refused';
  return judged || fault.code === 'PASSWORD_EXPIRED' ? 'wrong' : 'unknown';
}
