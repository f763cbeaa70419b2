import type { HealthConfig } from '../model/config.ts';
import type { Judgement } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { Dial } from '../model/plugin.ts';
import { judge, noVerdict, type Verdict } from '../model/verdict.ts';
import type { Link } from '../ssh/link/link.ts';
import { probeHttp } from '../probe/http.ts';
import { dialAlone } from '../probe/probe.ts';
import { probeTcp } from '../probe/tcp.ts';
import { probeWebsocket } from '../probe/websocket.ts';
import type { BackendAsk } from './backing.ts';
import type { ReadyLocal } from './ready-forward.ts';

/** A forward without a probe is only dialed: once when the link is up, and again while its target cannot be had. */
const unprobed = { retry: 5_000, timeout: 10_000 };
const policyRetry = 60_000;
/** A result that disagrees with the verdict is confirmed, or not, soon: `fall` results must not take `fall` periods. ms */
const confirm = 1_000;

/** What plugins say of the target, by connections of their own; null: it is theirs, and well. Never rejects. */
export type GuestProbe = (dial: Dial) => Promise<Fault | null>;

/** Who is asked about a target with each health check, beside the check itself; null: nobody. */
export interface Asked {
  /** How the backend that listens there shows that it is well. */
  readonly backend: BackendAsk | null;
  readonly guests: GuestProbe | null;
}

/** What is heard of one target. */
export interface WatchNews {
  judged(judgement: Judgement, fault: Fault | null, rtt: number | null): void;
  /** Nothing listens there. */
  refused(): void;
}

/** Asks again and again whether a forward's target is well, for as long as one link lives. */
export class TargetWatch {
  readonly #forward: ReadyLocal;
  readonly #link: Link;
  readonly #asked: Asked;
  readonly #news: WatchNews;
  readonly #stop = new AbortController();
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
    link.onLost(() => this.stop());
    if (link.fault === null) void this.#ask();
  }

  /** A client's own dial showed how the target is: good news and bad news count at once. */
  served(fault: Fault | null): void {
    if (this.#stop.signal.aborted) return;
    if (this.#forward.health !== null) {
      if (fault?.code === 'TARGET_REFUSED') this.#news.refused();
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

  async #probe(health: HealthConfig | null): Promise<void> {
    const { target } = this.#forward;
    const { signal } = this.#stop;
    const { backend, guests } = this.#asked;
    const check = health?.kind === 'backend' ? asRecipeSays(health, backend) : health;
    const shown = backend === null ? null : { wire: backend.door.wire, token: backend.token };
    if (check?.kind === 'websocket') await probeWebsocket(this.#link, target, check, signal, shown);
    else if (check?.kind === 'http') await probeHttp(this.#link, target, check, signal, shown);
    else await probeTcp(this.#link, target, check?.timeout ?? unprobed.timeout, signal);
    if (health === null || guests === null || signal.aborted) return;
    const fault = await guests(() => dialAlone(this.#link, target));
    if (fault !== null) throw fault;
  }

  #passed(health: HealthConfig | null, rtt: number): void {
    if (health === null) return this.#say('unverified', null, rtt);
    this.#verdict = judge(this.#verdict, true, health.rise, health.fall);
    if (this.#verdict.healthy === true) this.#say('well', null, rtt);
    this.#again(this.#next(health));
  }

  #failed(fault: Fault): void {
    const { health } = this.#forward;
    if (fault.code === 'TARGET_REFUSED') this.#news.refused();
    if (this.#stop.signal.aborted) return;
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
    this.#news.judged(judgement, fault, rtt);
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }
}

/** The check of a backend, once it is known how that is asked. */
function asRecipeSays(health: HealthConfig, backend: BackendAsk | null): HealthConfig {
  if (backend === null) return { ...health, kind: 'tcp' };
  const { kind, path, wire } = backend.door;
  return { ...health, path, kind: wire.in === 'subprotocol' ? 'websocket' : kind };
}
