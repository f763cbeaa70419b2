import { busyBudget, refusedBudget } from '../model/backoff.ts';
import { Fault, type FaultReport, retryOf } from '../model/fault.ts';

/**
 * How many handshakes may fail at a server, whoever asks for them: restarting in a loop, a key file that a program rewrites, or a hundred
 * relays must not have this address banned. All that leaves a line in sshd's log counts, and no success takes it back, for what reads that
 * log (fail2ban: 5 in 10 min) does not forget either. What that means for people:
 * - What changed may be tried at once: the wait of a schedule is skipped, the count is not.
 * - Refused logins count for the account with the keys that were offered: another key is another account, with an hour of its own.
 * - So are answers: a login for which somebody is there to answer is not held back by those for which nobody was, or by wrong ones. A wrong
 *   answer is never sent again by itself, so that each one costs a person the typing.
 * - The limit of the host holds for them too: 4 in 10 min, each wrong answer counting for one. Nobody waits longer than ten minutes for that,
 *   which is what the ban would take, and all that is connected stays so.
 */
export interface Budget {
  readonly most: number;
  /** ms */
  readonly within: number;
}

interface Entry {
  readonly at: number;
  /** It failed for an answer: there was none, or it was wrong. */
  readonly asked: boolean;
}

/** The failures of one host, or of one account, as long as they count. All times are ms of a clock that never jumps. */
export class Failures {
  readonly #budget: Budget;
  #entries: readonly Entry[] = [];

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** A wrong answer is a line of its own in the server's log: one login may have several. */
  add(fault: FaultReport | null, now: number): void {
    const answers = Number(fault?.detail['answers'] ?? 0);
    const entry = { at: now, asked: fault !== null && (answers > 0 || fault.code === 'NEEDS_ANSWER') };
    this.#entries = [...this.#recent(now), ...Array.from({ length: Math.max(1, answers) }, () => entry)];
  }

  forget(): void {
    this.#entries = [];
  }

  /** How many more may fail now. `answered`: somebody is there, what failed for an answer does not count. */
  spare(now: number, answered = false): number {
    return Math.max(0, this.#budget.most - this.#counted(now, answered).length);
  }

  /** When one more may fail. */
  free(now: number, answered = false): number {
    const at = this.#counted(now, answered).at(-this.#budget.most)?.at;
    return at === undefined ? now : at + this.#budget.within;
  }

  #counted(now: number, answered: boolean): readonly Entry[] {
    return this.#recent(now).filter(({ asked }) => !asked || !answered);
  }

  #recent(now: number): readonly Entry[] {
    return this.#entries.filter(({ at }) => now - at < this.#budget.within);
  }
}

/** Whether the server has written this handshake down. The rest ended before it was greeted, or by a stage's own schedule. */
export function leavesTrace(fault: FaultReport): boolean {
  const retry = retryOf(fault);
  return retry === 'busy' || retry === 'command' || retry === 'refused' || retry === 'never';
}

/** Too many handshakes with a host have failed. `wait`: ms until the next one. */
export function hostSpent(host: string, last: FaultReport | null, wait: number): FaultReport {
  const why = last === null ? 'broken off here' : last.message;
  const text = `${host} is left alone until ${clock(wait)}: ${busyBudget.most} logins from here have failed in ten minutes, and one more could have this address banned there (fail2ban); wait, and mend the last one meanwhile: ${why}`;
  return new Fault('LOGINS_SPENT', text, { detail: { last: last?.code ?? 'LINK_LOST' } }).report();
}

/** The same credentials have been refused too often. */
export function accountSpent({ code, message, detail }: FaultReport, wait: number): FaultReport {
  const often = `that was the ${refusedBudget.most}rd time in an hour`;
  const how =
    code === 'NEEDS_ANSWER'
      ? 'the next one is for somebody who is there to answer: `towline unlock`'
      : `the next one is at ${clock(wait)}, so that the host does not lock you out; another key is tried at once`;
  return { code, message: `${message}; ${often}, ${how}`, detail };
}

/** The time of day in `wait` ms, a minute's beginning that is surely not before it. */
function clock(wait: number): string {
  return new Date(Date.now() + wait + 59_999).toTimeString().slice(0, 5);
}
