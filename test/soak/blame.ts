import type { Event } from '../../src/core/model/event.ts';
import type { LaneState } from '../../src/core/model/state.ts';
import { type Deed, isOfRelay, type Planned } from './plan.ts';
import type { SoakRelay } from './world.ts';

/**
 * So long after it is undone a deed may still cost a link, or who is joined over it, ms; null: it costs nobody anything. What closes is told at
 * once; silence by a keepalive of 4 s, a channel open by 5 s; a restart lets clients end for the drain of 10 s. The rest is for a busy machine.
 */
const echoes: Readonly<Record<Deed | 'stall', number | null>> = {
  'kill-sessions': 5_000,
  'end-sessions': 5_000,
  'freeze-sessions': 10_000,
  'sshd-away': 5_000,
  'sshd-reload': null,
  'slow-road': 10_000,
  'narrow-road': 10_000,
  'sliced-road': 10_000,
  'black-hole': 10_000,
  'reset-road': 5_000,
  'cut-road': 5_000,
  'flip-bits': 10_000,
  'limit-road': 10_000,
  'road-away': 5_000,
  'kill-worker': 5_000,
  'freeze-worker': 10_000,
  sleep: 10_000,
  'restart-relay': 15_000,
  reload: null,
  crowd: null,
  stall: 10_000,
};

/** A relay that was not well so short a time ago may have cut a client by it, ms. */
const moment = 3_000;

interface Done {
  readonly deed: Deed | 'stall';
  /** Names of relays and hosts; null: all. */
  readonly whom: readonly string[] | null;
  readonly from: number;
  to: number;
  /** Processes that it was done to. */
  pids: readonly number[];
}

/** The time of a log line's: what happened is looked for there. */
const clockOf = (at: number): string => new Date(at).toISOString();

/**
 * Knows what was done to whom, and what the daemon tells: what happens without a deed is the daemon's own fault. Two steps: a link is lost, or
 * doubted, by a deed; a client is cut by a deed, or while its relay is not well. Times are ms since the epoch.
 */
export class Blame {
  readonly #relays: readonly SoakRelay[];
  readonly #done: Done[] = [];
  /** What is wrong with a relay now, by lane or forward; and when something last was. */
  readonly #unwell = new Map<string, Set<string>>();
  readonly #shaken = new Map<string, number>();
  /** Lanes whose link is up. */
  readonly #up = new Set<string>();
  /** When the worker of a relay ended that has no link since: its lanes tell that only when the next worker dials, which a busy machine starts late. */
  readonly #orphaned = new Map<string, number>();
  readonly #losses: { readonly relay: string; readonly at: number; readonly what: string }[] = [];
  readonly #ended = new Map<number, { readonly at: number; readonly code: string; readonly message: string }>();

  constructor(relays: readonly SoakRelay[]) {
    this.#relays = relays;
  }

  /** A deed begins; what comes back tells that it is undone, and the processes it was done to. */
  begin(planned: Planned): (pids: readonly number[]) => void {
    const { deed, relay, host } = planned;
    const all = deed === 'sleep' || deed === 'reload';
    const whom = all ? null : isOfRelay(deed) ? this.#touched(deed, relay) : [`h${host}`];
    const done: Done = { deed, whom, from: Date.now(), to: Number.POSITIVE_INFINITY, pids: [] };
    this.#done.push(done);
    return (pids) => {
      done.to = Date.now();
      done.pids = pids;
    };
  }

  /** The machine stood still for so long, ms. */
  stalled(ms: number): void {
    this.#done.push({ deed: 'stall', whom: null, from: Date.now() - ms, to: Date.now(), pids: [] });
  }

  hear(event: Event): void {
    switch (event.type) {
      case 'lane.changed':
        return this.#turned(event.relay, event.lane, event.state.at, event.at);
      case 'link.doubted':
        this.#sick(event.relay, `doubt ${event.lane}`, event.at);
        this.#losses.push({ ...event, what: `doubted its link: ${event.fault.message}` });
        return;
      case 'link.answered':
      case 'link.replaced':
        return this.#well(event.relay, `doubt ${event.lane}`, event.at);
      case 'remote.failed':
        this.#sick(event.relay, `forward ${event.forward}`, event.at);
        return;
      case 'remote.bound':
        return this.#well(event.relay, `forward ${event.forward}`, event.at);
      case 'worker.ended':
        this.#ended.set(event.pid, { at: event.at, code: event.fault.code, message: event.fault.message });
        this.#orphaned.set(event.relay, event.at);
        return;
      default:
    }
  }

  /** Whether a client of a relay may have been cut then. */
  excuses(relay: SoakRelay, at: number): boolean {
    if ((this.#unwell.get(relay.name)?.size ?? 0) > 0 || this.#orphaned.has(relay.name)) return true;
    return Math.abs(at - (this.#shaken.get(relay.name) ?? 0)) <= moment || this.#deedAt(relay.name, at);
  }

  /** What the daemon told since the last time that no deed explains, a sentence each. */
  unexplained(): string[] {
    const losses = this.#losses.splice(0).filter(({ relay, at }) => !this.#deedAt(relay, at));
    const ends = [...this.#ended].filter(([pid, { at, code }]) => !this.#endedBy(pid, at, code));
    this.#ended.clear();
    return [
      ...losses.map(({ relay, at, what }) => `${relay} ${what} without a fault, ${clockOf(at)}`),
      ...ends.map(([pid, { code, message }]) => `worker ${pid} ended without a fault: ${message} [${code}]`),
    ];
  }

  /** Whether anything was done to the host of a relay in the last so many ms. */
  hostTroubled(relay: string, ms: number): boolean {
    return this.#done.some((one) => this.#meets(one, relay) && one.to > Date.now() - ms);
  }

  #endedBy(pid: number, at: number, code: string): boolean {
    const by = code === 'WORKER_FAILED' ? ['kill-worker'] : code === 'WORKER_HUNG' ? ['freeze-worker', 'sleep'] : [];
    return this.#done.some((one) => by.includes(one.deed) && one.pids.includes(pid) && this.#covers(one, at));
  }

  #deedAt(relay: string, at: number): boolean {
    return this.#done.some((one) => this.#meets(one, relay) && this.#covers(one, at));
  }

  #covers({ deed, from, to }: Done, at: number): boolean {
    const echo = echoes[deed];
    return echo !== null && from <= at && at <= to + echo;
  }

  #meets({ whom }: Done, name: string): boolean {
    const host = this.#relays.find((one) => one.name === name)?.host;
    return whom === null || whom.includes(name) || whom.includes(`h${host}`);
  }

  /** One worker may carry several relays: the shared ones are together. */
  #touched(deed: Deed, relay: number): string[] {
    if (!deed.endsWith('-worker') || relay % 3 !== 0) return [`r${relay}`];
    return this.#relays.flatMap(({ name }, index) => (index % 3 === 0 ? [name] : []));
  }

  #turned(relay: string, lane: number, to: LaneState['at'], at: number): void {
    const name = `${relay}/${lane}`;
    if (to === 'up') {
      this.#up.add(name);
      this.#orphaned.delete(relay);
      return this.#well(relay, `lane ${lane}`, at);
    }
    this.#sick(relay, `lane ${lane}`, at);
    if (!this.#up.delete(name)) return;
    this.#losses.push({ relay, at: this.#orphaned.get(relay) ?? at, what: `lost its link, and is ${to}` });
  }

  #sick(relay: string, part: string, at: number): void {
    const parts = this.#unwell.get(relay) ?? new Set();
    this.#unwell.set(relay, parts.add(part));
    this.#shaken.set(relay, at);
  }

  #well(relay: string, part: string, at: number): void {
    if (this.#unwell.get(relay)?.delete(part) === true) this.#shaken.set(relay, at);
  }
}
