import { backoff, refusedDelay } from '../../model/backoff.ts';
import { type FaultReport, leavesHostAlone, retryOf } from '../../model/fault.ts';
import { accountSpent, hostSpent, leavesTrace } from './login-budget.ts';
import {
  type AccountRecord,
  type Asker,
  accountRecord,
  type Ban,
  type HostRecord,
  hostRecord,
  later,
  Records,
} from './permit-records.ts';

/** sshd's MaxStartups begins to refuse at 10 unauthenticated connections, PerSourceMaxStartups may do so earlier. */
const handshakes = 4;
/** So many logins that wait for a person do not count as handshakes: together with those they stay below that limit. */
const parking = 4;
/** Who would have to wait longer is told so, and asks again. ms */
const patience = 2_000;

/**
 * Dial permits: at most 4 handshakes at once per host, none before the time that a busy host or refused credentials ask for, one
 * at a time with credentials that have not been accepted yet, and never so many that, should they all fail, the budget would be
 * exceeded. It outlives workers, so a crash loop cannot hammer, and a hundred relays to one host count as one.
 */
export class Permits {
  readonly #now: () => number;
  readonly #hosts = new Records(hostRecord);
  readonly #accounts = new Records(accountRecord);

  /** `now`: ms of a clock that never jumps. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Queues; `grant` or `withhold` is called once, unless it is withdrawn. */
  ask(name: string, asker: Asker): void {
    const host = this.#hosts.of(name);
    host.failed.delete(asker.lane);
    host.queue.push(asker);
    this.#serve(host);
  }

  /** Withdraws an asker that was not granted yet. */
  withdraw(name: string, asker: Asker): void {
    const { queue } = this.#hosts.of(name);
    const at = queue.indexOf(asker);
    if (at >= 0) queue.splice(at, 1);
  }

  /** A granted handshake is over: well (null), badly, given up before the host had heard of it (`cancelled`), or after (`broken off`). */
  shaken(name: string, asker: Asker, outcome: FaultReport | 'cancelled' | 'broken off' | null): void {
    const [host, account] = [this.#hosts.of(name), this.#accounts.of(asker.account)];
    if (!host.parked.delete(asker)) host.active -= 1;
    host.promised.delete(asker);
    account.active -= 1;
    if (outcome === null) this.#welcomed(host, account, asker.account);
    else if (outcome === 'broken off') this.#count(host, null);
    else if (outcome !== 'cancelled') this.#turnedAway(host, account, asker, outcome);
    this.#serve(host);
  }

  /** A granted handshake waits for a person: others may begin. Its account stays in use, for they would ask the same. */
  park(name: string, asker: Asker): void {
    const host = this.#hosts.of(name);
    if (host.parked.has(asker) || host.parked.size >= parking) return;
    host.parked.add(asker);
    host.active -= 1;
    this.#serve(host);
  }

  /** It goes on, at once: its connection is open. */
  unpark(name: string, asker: Asker): void {
    const host = this.#hosts.of(name);
    if (host.parked.delete(asker)) host.active += 1;
  }

  close(): void {
    for (const host of this.#hosts.all) clearTimeout(host.timer);
  }

  #welcomed(host: HostRecord, account: AccountRecord, name: string): void {
    const wasBusy = host.busy > 0;
    host.busy = 0;
    host.ban = null;
    account.proven = true;
    account.ban = null;
    account.failures.forget();
    for (const [lane, asker] of [...host.failed]) {
      if (!wasBusy && asker.account !== name) continue;
      host.failed.delete(lane);
      asker.recovered();
    }
  }

  #turnedAway(host: HostRecord, account: AccountRecord, asker: Asker, fault: FaultReport): void {
    const retry = retryOf(fault);
    const now = this.#now();
    if (leavesTrace(fault)) this.#count(host, fault);
    if (leavesHostAlone(fault)) {
      host.busy += 1;
      host.ban = { until: now + (backoff(retry, host.busy, Math.random(), false) ?? 0), fault };
    } else if (retry === 'refused' || fault.code === 'NEEDS_ANSWER') {
      account.proven = false;
      account.ban = { until: now + refusedDelay, fault };
      account.lonely = fault.code === 'NEEDS_ANSWER' && !asker.attended();
      // A signature that the agent did not give says nothing against the key.
      if (fault.code !== 'AGENT_REFUSED') {
        account.failures.add(fault, now);
        account.last = fault;
      }
    } else return;
    host.failed.set(asker.lane, asker);
  }

  #count(host: HostRecord, fault: FaultReport | null): void {
    host.failures.add(fault, this.#now());
    host.last = fault;
  }

  #serve(host: HostRecord): void {
    clearTimeout(host.timer);
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const asker of [...host.queue]) {
      const account = this.#accounts.of(asker.account);
      const ban = later(
        asker.forced ? null : later(host.ban, banFor(account, asker)),
        this.#spent(host, account, asker, now),
      );
      const wait = ban === null ? 0 : ban.until - now;
      if (ban !== null && wait > patience) {
        host.queue.splice(host.queue.indexOf(asker), 1);
        host.failed.set(asker.lane, asker);
        asker.withhold(ban.fault, wait);
      } else if (wait > 0) next = Math.min(next, wait);
      else if (this.#mayShake(host, account, asker, now)) {
        host.queue.splice(host.queue.indexOf(asker), 1);
        const spare = promise(host, asker, now);
        host.promised.set(asker, spare);
        host.active += 1;
        account.active += 1;
        asker.grant(spare);
      }
    }
    if (next < Number.POSITIVE_INFINITY) host.timer = setTimeout(() => this.#serve(host), next);
  }

  /** What has failed already leaves no room for one more, whoever asks. */
  #spent(host: HostRecord, account: AccountRecord, asker: Asker, now: number): Ban {
    const attended = asker.attended();
    const [hostFree, accountFree] = [host.failures.free(now, attended), account.failures.free(now, attended)];
    const ofHost = hostFree > now ? { until: hostFree, fault: hostSpent(host.name, host.last, hostFree - now) } : null;
    if (accountFree <= now || account.last === null) return ofHost;
    return later(ofHost, { until: accountFree, fault: accountSpent(account.last, accountFree - now) });
  }

  /**
   * After a busy host answered badly, one at a time finds out whether it is better; so with credentials that are new. Those under way may
   * all fail, as often as they were promised. One that waits for a person is not among them: its place is for others.
   */
  #mayShake(host: HostRecord, account: AccountRecord, asker: Asker, now: number): boolean {
    const attended = asker.attended();
    if (host.active >= handshakes || promised(host, false) >= host.failures.spare(now, attended)) return false;
    if (host.busy > 0 && host.active > 0) return false;
    if (account.active >= account.failures.spare(now, attended)) return false;
    return account.proven || account.active === 0;
  }
}

/** How many wrong answers those under way may give together; with those that wait for a person, or without. */
function promised(host: HostRecord, waiting: boolean): number {
  let sum = 0;
  for (const [asker, answers] of host.promised) if (waiting || !host.parked.has(asker)) sum += answers;
  return sum;
}

/**
 * How many wrong answers this one may give. Where nobody is there to type another one, it fails by the first. Else it may have all that is
 * left but one: that is for whoever comes next, who would have to wait for a person else. There is one for each that is let in at all.
 */
function promise(host: HostRecord, asker: Asker, now: number): number {
  if (!asker.attended()) return 1;
  return Math.max(1, host.failures.spare(now, true) - promised(host, true) - 1);
}

function banFor({ ban, lonely }: AccountRecord, asker: Asker): Ban {
  return lonely && asker.attended() ? null : ban;
}
