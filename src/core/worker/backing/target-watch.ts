import type { HealthConfig } from '../../model/config.ts';
import type { Judgement } from '../../model/event.ts';
import { Fault } from '../../model/fault.ts';
import { judge, noVerdict, type Verdict } from '../../model/verdict.ts';
import type { Link } from '../../ssh/link/link.ts';
import { type Asked, askTarget } from './ask-target.ts';
import type { ReadyLocal } from '../clients/ready-forward.ts';

/** A forward without a probe is only dialed: once when the link is up, and again while its target cannot be had. */
const retry = 5_000;
const policyRetry = 60_000;
/** A result that disagrees with the verdict is confirmed, or not, soon: `fall` results must not take `fall` periods. ms */
const confirm = 1_000;

/** What is heard of one target. */
export interface WatchNews {
  judged(judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** Nothing listens there, or somebody else than the backend (BACKEND_FOREIGN). */
  refused(fault: Fault): void;
}

/** Asks again and again whether a forward's target is well, for as long as one link lives. */
export class TargetWatch {
  readonly #forward: ReadyLocal;
  readonly #link: Link;
  readonly #asked: Asked;
  readonly #news: WatchNews;
  readonly #stop = new AbortController();
  #forget: () => void = () => undefined;
  #verdict: Verdict = noVerdict;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  /** Round trip of the last good probe or dial, ms. */
  rtt: number | null = null;
  #said: { judgement: Judgement; code: string | null; message: string | null } | null = null;

  constructor(forward: ReadyLocal, link: Link, asked: Asked, news: WatchNews) {
    this.#forward = forward;
    this.#link = link;
    this.#asked = asked;
    this.#news = news;
    // It is called at once where the link is lost already.
    this.#forget = link.onLost(() => this.stop());
    if (link.fault === null) void this.#ask();
  }

  /** A client's own dial showed how the target is: good news and bad news count at once. */
  served(fault: Fault | null): void {
    if (this.#stop.signal.aborted) return;
    if (this.#forward.health !== null) {
      if (fault?.code === 'TARGET_REFUSED') this.#news.refused(fault);
      if (fault !== null && this.#verdict.healthy !== false) void this.#ask();
    } else if (fault === null) this.#say('unverified', null, null);
    else this.#failed(fault);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#forget();
    this.#stop.abort(new Error('the link is gone'));
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#stop.signal.aborted) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    const { health } = this.#forward;
    try {
      const took = await askTarget(this.#link, this.#forward, this.#asked, this.#stop.signal);
      const rtt = Math.round(took * 10) / 10;
      this.rtt = rtt;
      if (!this.#stop.signal.aborted) this.#passed(health, rtt);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(Fault.from(error));
    } finally {
      this.#asking = false;
    }
  }

  #passed(health: HealthConfig | null, rtt: number): void {
    if (health === null) return this.#say('unverified', null, rtt);
    this.#verdict = judge(this.#verdict, true, health.rise, health.fall);
    if (this.#verdict.healthy === true) this.#say('well', null, rtt);
    this.#again(this.#next(health));
  }

  #failed(fault: Fault): void {
    const { health } = this.#forward;
    // Somebody else has its place: that is told before what is done about it, and no second look is waited for.
    if (fault.code === 'BACKEND_FOREIGN') {
      this.#verdict = { healthy: false, against: 0 };
      this.#say('unwell', fault, null);
    }
    if (fault.code === 'TARGET_REFUSED' || fault.code === 'BACKEND_FOREIGN') this.#news.refused(fault);
    if (this.#stop.signal.aborted) return;
    if (health !== null) this.#verdict = judge(this.#verdict, false, health.rise, health.fall);
    if (health === null || this.#verdict.healthy === false) this.#say('unwell', fault, null);
    const next = health === null ? retry : this.#next(health);
    // Whoever takes the place of a backend that has gone must be seen before much is led to him.
    const vacant = fault.code === 'TARGET_REFUSED' && this.#asked.verify !== null;
    this.#again(fault.code === 'FORWARDING_REFUSED' ? policyRetry : vacant ? Math.min(confirm, next) : next);
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
    this.#news.judged(judgement, fault, rtt);
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }
}
