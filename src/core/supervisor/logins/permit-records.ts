import { busyBudget, refusedBudget } from '../../model/backoff.ts';
import type { FaultReport } from '../../model/fault.ts';
import type { LaneId } from '../../protocol.ts';
import { Failures } from './login-budget.ts';

/** A lane that asks to shake hands with a host. */
export interface Asker {
  readonly lane: LaneId;
  /** Who would log in with which keys. */
  readonly account: string;
  /** The user or a changed file asked for it: it need not wait, but counts. */
  readonly forced: boolean;
  /** Somebody is there to answer what the host asks. */
  readonly attended: () => boolean;
  /** The handshake may begin. `spare`: so many wrong answers the host may be given in it. */
  readonly grant: (spare: number) => void;
  /** Not before `wait` ms from now, because of this. */
  readonly withhold: (fault: FaultReport, wait: number) => void;
  /** What it failed with, or was withheld for, is over: another lane has been let in. */
  readonly recovered: () => void;
}

/** ms of a clock that never jumps, as all times here; null: nothing is known against it. */
export type Ban = { readonly until: number; readonly fault: FaultReport } | null;

/** What is known of a host. */
export interface HostRecord {
  readonly name: string;
  active: number;
  readonly failures: Failures;
  /** What the last of them was; null: it was broken off here. */
  last: FaultReport | null;
  /** Consecutive failures at greeting level. */
  busy: number;
  ban: Ban;
  readonly queue: Asker[];
  /** So many wrong answers each granted handshake may give, parked ones too. */
  readonly promised: Map<Asker, number>;
  /** Granted handshakes in which a person is asked: the others to this host do not wait for him. */
  readonly parked: Set<Asker>;
  /** Lanes that failed for the host's or the account's sake, each with its last asker. */
  readonly failed: Map<LaneId, Asker>;
  timer: NodeJS.Timeout | undefined;
}

/** What is known of an account. */
export interface AccountRecord {
  active: number;
  /** Refused logins. */
  readonly failures: Failures;
  last: FaultReport | null;
  /** A login went well, and none was refused since. */
  proven: boolean;
  ban: Ban;
  /** It is banned because nobody was there to answer: that says nothing against a login for which somebody is. */
  lonely: boolean;
}

/** A host of which nobody has heard so far. */
export function hostRecord(name: string): HostRecord {
  const lists = {
    queue: [],
    promised: new Map<Asker, number>(),
    parked: new Set<Asker>(),
    failed: new Map<LaneId, Asker>(),
  };
  const failures = new Failures(busyBudget, ['unanswered']);
  return { name, active: 0, failures, last: null, busy: 0, ban: null, timer: undefined, ...lists };
}

/** An account that has not logged in so far. */
export function accountRecord(): AccountRecord {
  const failures = new Failures(refusedBudget, ['unanswered', 'wrong']);
  return { active: 0, failures, last: null, proven: false, ban: null, lonely: false };
}

/** One record for each name, made when it is first asked for. */
export class Records<R> {
  readonly #make: (name: string) => R;
  readonly #known = new Map<string, R>();

  constructor(make: (name: string) => R) {
    this.#make = make;
  }

  of(name: string): R {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = this.#make(name);
    this.#known.set(name, made);
    return made;
  }

  get all(): Iterable<R> {
    return this.#known.values();
  }
}

/** The one that lasts longer. */
export function later(one: Ban, other: Ban): Ban {
  if (one === null || other === null) return one ?? other;
  return one.until > other.until ? one : other;
}
