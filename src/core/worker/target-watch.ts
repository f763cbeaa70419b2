import type { ForwardConfig, HealthConfig } from '../model/config.ts';
import type { Judgement } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import { judge, noVerdict, type Verdict } from '../model/verdict.ts';
import type { Link } from '../ssh/link/link.ts';
import { probeHttp } from '../probe/http.ts';
import { probeTcp } from '../probe/tcp.ts';
import { probeWebsocket } from '../probe/websocket.ts';

/** A forward without a probe is only dialed: once when the link is up, and again while its target cannot be had. */
const unprobed = { retry: 5_000, timeout: 10_000 };
const policyRetry = 60_000;
/** A result that disagrees with the verdict is confirmed, or not, soon: `fall` results must not take `fall` periods. ms */
const confirm = 1_000;

export type Report = (judgement: Judgement, fault: Fault | null, rtt: number | null) => void;

/** Asks again and again whether a forward's target is well, for as long as one link lives. */
export class TargetWatch {
  readonly #forward: ForwardConfig;
  readonly #link: Link;
  readonly #report: Report;
  readonly #stop = new AbortController();
  #verdict: Verdict = noVerdict;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  /** Round trip of the last good probe or dial, ms. */
  rtt: number | null = null;
  #said: { judgement: Judgement; code: string | null; message: string | null } | null = null;

  constructor(forward: ForwardConfig, link: Link, report: Report) {
    this.#forward = forward;
    this.#link = link;
    this.#report = report;
    link.onLost(() => this.stop());
    if (link.fault === null) void this.#ask();
  }

  /** A client's own dial showed how the target is: good news and bad news count at once. */
  served(fault: Fault | null): void {
    if (this.#stop.signal.aborted) return;
    if (this.#forward.health !== null) {
      if (fault !== null && this.#verdict.healthy !== false) void this.#ask();
    } else if (fault === null) this.#say('unverified', null, null);
    else this.#failed(fault);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stop.abort(new Error('the link is gone'));
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#stop.signal.aborted) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    const { health } = this.#forward;
    const began = performance.now();
    try {
      await this.#probe(health);
      const rtt = Math.round((performance.now() - began) * 10) / 10;
      this.rtt = rtt;
      if (!this.#stop.signal.aborted) this.#passed(health, rtt);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(Fault.from(error));
    } finally {
      this.#asking = false;
    }
  }

  #probe(health: HealthConfig | null): Promise<void> {
    const { target } = this.#forward;
    const { signal } = this.#stop;
    if (health?.kind === 'http') return probeHttp(this.#link, target, health, signal);
    if (health?.kind === 'websocket') return probeWebsocket(this.#link, target, health, signal);
    return probeTcp(this.#link, target, health?.timeout ?? unprobed.timeout, signal);
  }

  #passed(health: HealthConfig | null, rtt: number): void {
    if (health === null) return this.#say('unverified', null, rtt);
    this.#verdict = judge(this.#verdict, true, health.rise, health.fall);
    if (this.#verdict.healthy === true) this.#say('well', null, rtt);
    this.#again(this.#next(health));
  }

  #failed(fault: Fault): void {
    const { health } = this.#forward;
    if (health !== null) this.#verdict = judge(this.#verdict, false, health.rise, health.fall);
    if (health === null || this.#verdict.healthy === false) this.#say('unwell', fault, null);
    const next = health === null ? unprobed.retry : this.#next(health);
    this.#again(fault.code === 'FORWARDING_REFUSED' ? policyRetry : next);
  }

  #next({ every }: HealthConfig): number {
    const { healthy, against } = this.#verdict;
    return against > 0 || healthy === null ? Math.min(confirm, every) : every;
  }

  /** Says what changed; a probe that agrees with what was said is no news. */
  #say(judgement: Judgement, fault: Fault | null, rtt: number | null): void {
    const said = { judgement, code: fault?.code ?? null, message: fault?.message ?? null };
    const before = this.#said;
    const same = before?.judgement === said.judgement && before.code === said.code && before.message === said.message;
    // A policy that still forbids is said again: it may be the last one of the forwards to do so.
    if (same && said.code !== 'FORWARDING_REFUSED') return;
    this.#said = said;
    this.#report(judgement, fault, rtt);
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }
}
