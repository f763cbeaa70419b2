import { backoff, refusedDelay } from '../model/backoff.ts';
import { Fault, type FaultReport } from '../model/fault.ts';

/** sshd's MaxStartups begins to refuse at 10 unauthenticated connections, PerSourceMaxStartups may do so earlier. */
const handshakes = 4;

interface Asker {
  readonly account: string;
  readonly forced: boolean;
  readonly grant: () => void;
}

interface Host {
  active: number;
  /** Consecutive failures at greeting level. */
  busy: number;
  /** ms of a clock that never jumps, as all times here. */
  notBefore: number;
  readonly queue: Asker[];
  timer: NodeJS.Timeout | undefined;
}

/**
 * Dial permits: at most 4 handshakes at once per host, none before the time that a busy host or refused credentials ask for.
 * It outlives workers, so a crash loop cannot hammer, and a hundred relays to one host count as one.
 */
export class Permits {
  readonly #hosts = new Map<string, Host>();
  readonly #refused = new Map<string, number>();

  /** Queues; `grant` is called when the handshake may begin. `forced`: refused credentials may be tried again now. */
  ask(host: string, asker: Asker): void {
    const entry = this.#host(host);
    entry.queue.push(asker);
    this.#serve(entry);
  }

  /** Withdraws an asker that was not granted yet. */
  withdraw(host: string, asker: Asker): void {
    const { queue } = this.#host(host);
    const at = queue.indexOf(asker);
    if (at >= 0) queue.splice(at, 1);
  }

  /** A granted handshake is over: well (null), badly, or given up. */
  shaken(host: string, account: string, outcome: FaultReport | 'cancelled' | null): void {
    const entry = this.#host(host);
    entry.active -= 1;
    const retry = outcome === null || outcome === 'cancelled' ? null : Fault.fromReport(outcome).entry.retry;
    if (outcome === null) {
      entry.busy = 0;
      entry.notBefore = 0;
      this.#refused.delete(account);
    } else if (retry === 'busy') {
      entry.busy += 1;
      entry.notBefore = performance.now() + (backoff('busy', entry.busy, Math.random(), false) ?? 0);
    } else if (retry === 'refused') this.#refused.set(account, performance.now() + refusedDelay);
    this.#serve(entry);
  }

  close(): void {
    for (const host of this.#hosts.values()) clearTimeout(host.timer);
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = { active: 0, busy: 0, notBefore: 0, queue: [], timer: undefined };
      this.#hosts.set(name, host);
    }
    return host;
  }

  #serve(host: Host): void {
    clearTimeout(host.timer);
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const asker of [...host.queue]) {
      if (host.active >= handshakes) return;
      // After a busy host answered badly, one at a time finds out whether it is better.
      if (host.busy > 0 && host.active > 0) return;
      const refused = asker.forced ? 0 : (this.#refused.get(asker.account) ?? 0);
      const from = Math.max(asker.forced ? 0 : host.notBefore, refused);
      if (from > now) {
        next = Math.min(next, from);
        continue;
      }
      host.queue.splice(host.queue.indexOf(asker), 1);
      host.active += 1;
      asker.grant();
    }
    if (next < Number.POSITIVE_INFINITY) host.timer = setTimeout(() => this.#serve(host), next - now);
  }
}
