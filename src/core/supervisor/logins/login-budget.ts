import { busyBudget, refusedBudget } from '../../model/backoff.ts';
import { Fault, type FaultReport, retryOf } from '../../model/fault.ts';

/**
 * How many handshakes may fail at a server, whoever asks for them: restarting in a loop, a key file that a program rewrites, or a hundred
 * relays must not have this address banned. All that leaves a line in sshd's log counts, and no success takes it back, for what reads that
 * log (fail2ban: 5 in 10 min) does not forget either. What that means for people:
 * - What changed may be tried at once: the wait of a schedule is skipped, the count is not.
 * - Refused logins count for the account with the keys that were offered: another key is another account, with an hour of its own.
 * - Where somebody is there to answer, the logins of the account that failed for an answer are waived: a wrong one is never sent again by
 *   itself, so that each costs a person the typing. The host's own limit holds for him: 4 in 10 min, each wrong answer being one. Nobody waits
 *   longer than ten minutes for that, which is what the ban would take, and all that is connected stays so.
 * - Logins that ended because nobody was there to answer are no attack: fail2ban's normal mode passes them over, OpenSSH's penalty for one is
 *   1 s. They count against whoever else is not there; who is there may have as many again.
 */
export interface Budget {
  readonly most: number;
  /** ms */
  readonly within: number;
}

/** Why a login failed: there was no answer, there was a wrong one, or for another reason. */
type Why = 'unanswered' | 'wrong' | 'other';

interface Entry {
  readonly at: number;
  readonly why: Why;
}

/** The failures of one host, or of one account, as long as they count. All times are ms of a clock that never jumps. */
export class Failures {
  readonly #budget: Budget;
  /** What does not count for a login for which somebody is there to answer. */
  readonly #waived: readonly Why[];
  #entries: readonly Entry[] = [];

  constructor(budget: Budget, waived: readonly Why[]) {
    this.#budget = budget;
    this.#waived = waived;
  }

  /** A wrong answer is a line of its own in the server's log: one login may have several. `fault`: null, it was broken off here. */
  add(fault: FaultReport | null, now: number): void {
    const answers = Number(fault?.detail['answers'] ?? 0);
    const why = answers > 0 ? 'wrong' : fault?.code === 'NEEDS_ANSWER' ? 'unanswered' : 'other';
    const entries = Array.from({ length: Math.max(1, answers) }, (): Entry => ({ at: now, why }));
    this.#entries = [...this.#recent(now), ...entries];
  }

  forget(): void {
    this.#entries = [];
  }

  /** How many more may fail now. `attended`: somebody is there to answer. */
  spare(now: number, attended: boolean): number {
    const all = this.#recent(now);
    const { most } = this.#budget;
    if (!attended) return Math.max(0, most - all.length);
    return Math.max(0, Math.min(most - this.#counted(all).length, 2 * most - all.length));
  }

  /** When one more may fail. */
  free(now: number, attended: boolean): number {
    const all = this.#recent(now);
    const { most, within } = this.#budget;
    const over = (entries: readonly Entry[], limit: number) => {
      const at = entries.at(-limit)?.at;
      return at === undefined ? now : at + within;
    };
    return attended ? Math.max(over(this.#counted(all), most), over(all, 2 * most)) : over(all, most);
  }

  #counted(entries: readonly Entry[]): readonly Entry[] {
    return entries.filter(({ why }) => !this.#waived.includes(why));
  }

  #recent(now: number): readonly Entry[] {
    return this.#entries.filter(({ at }) => now - at < this.#budget.within);
  }
}

/**
 * Whether the server has written this handshake down as one of those that are banned for. The rest ended before it
 * was greeted, or by us, over the host's key: nobody had logged in, each relay asks once, and who has trusted the key must not be kept waiting.
 */
export function leavesTrace(fault: FaultReport): boolean {
  if (/^(HOST_KEY|KNOWN_HOSTS)_/.test(fault.code)) return false;
  // It has its stage's schedule, but the server, which was greeted, has written down that nobody logged in.
  if (fault.code === 'KEX_TIMEOUT') return true;
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
