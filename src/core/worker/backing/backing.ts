import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, fixedTargets, keptForwards, type TokenDoor } from '../../model/backend.ts';
import type { RelayConfig } from '../../model/config.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import { Fault, retryOf } from '../../model/fault.ts';
import type { FaultCode } from '../../model/fault-table.ts';
import type { BackendCall } from '../../model/plugin.ts';
import type { RemoteHost } from '../../model/remote.ts';
import type { Secret } from '../../model/secret.ts';
import type { BringingTry, Stage } from '../../model/state.ts';
import { adviseRefused } from '../../probe/refused-token.ts';
import { checkToken } from '../../probe/token-check.ts';
import { ownWord, type Verify, witness } from '../../probe/witness.ts';
import { remoteHost } from '../../ssh/link/remote-host.ts';
import type { Channel, Link } from '../../ssh/link/link.ts';
import type { BackingNews, Providers } from './backing-ports.ts';
import { monotonic } from '../clock.ts';
import { type ReadyForward, readyForwards } from '../clients/ready-forward.ts';

/** What a relay leads to over one link. */
export interface Backed {
  /** Null where a forward leads to a backend that no plugin brought. */
  readonly forwards: readonly (ReadyForward | null)[];
  readonly backend: Backend | null;
  /** Null: it has none, or nobody knows one. */
  readonly token: Secret | null;
  /** How the backend is asked whether it is well, with its token; null where nobody knows. */
  readonly ask: BackendAsk | null;
  /** Asked with each check, before its token is shown again; null where nobody can say whether it still is who listens there. */
  readonly verify: Verify | null;
}

/** A health check of a backend, as its recipe says. */
export interface BackendAsk {
  readonly door: TokenDoor;
  readonly token: Secret;
  /** Whose it is, and whether a person set its token: what to do where that is refused. */
  readonly relay: string;
  readonly byHand: boolean;
}

/** Waits between the tries to launch over one link, ms: each try may leave something behind on the host, so they are few. */
const pauses = [1_000, 2_000, 4_000, 8_000];

/** One that answered for so long counts as well again, ms. */
const steady = 60_000;

/** The host did not come to hear what the user asked for. A later try that goes by it must not start what was stopped since. */
const unheard: readonly FaultCode[] = ['OPEN_TIMEOUT', 'REMOTE_REFUSED'];

const firstTry: BringingTry = { number: 1, of: pauses.length + 1, fault: null };

const loopback = { address: '127.0.0.1', port: 0 };

/** Makes ready what a relay leads to: its backend, its token, and the proof that they belong together. */
export class Backing {
  readonly #relay: RelayConfig;
  readonly #providers: Providers;
  readonly #news: BackingNews;
  /** The token that a person set; it wins over every other. */
  given: Secret | null;
  readonly #ends = new WeakMap<Link, AbortController>();
  #retries = 0;
  #readied = 0;
  #reached: Backend | null = null;
  /** Where it was said to listen, over whatever link. */
  #target: Endpoint | null = null;
  #try: BringingTry = firstTry;

  constructor(relay: RelayConfig, given: Secret | null, providers: Providers, news: BackingNews) {
    this.#relay = relay;
    this.given = given;
    this.#providers = providers;
    this.#news = news;
  }

  /** What a relay leads to that no plugin brings anything for; null: it is to be prepared, over each link. */
  atOnce(): Backed | null {
    const { hasBackend, hasToken } = this.#providers;
    const forwards = readyForwards(this.#relay.forwards, null);
    if (hasBackend || hasToken || forwards.every((forward) => forward === null)) return null;
    return { forwards, backend: null, token: this.given, ask: null, verify: null };
  }

  /** What is led to from now on is told: before the state that says so, which must not be seen without it. */
  ready({ backend, token }: Pick<Backed, 'backend' | 'token'>): void {
    this.#news.learned(backend, token);
    this.#try = firstTry;
    this.#readied = monotonic();
  }

  /**
   * Has the plugins bring the backend and its token over a new link, or once more over one whose backend has gone. No token leaves before the
   * backend has refused a wrong one. `asked`: the user asked for it, so that even what was stopped on purpose may be started. Rejects with
   * their fault, with what ended the link, or with the signal's reason.
   */
  async prepare(link: Link, asked: boolean, signal: AbortSignal): Promise<Backed> {
    const ended = this.#endOf(link);
    const until = AbortSignal.any([signal, ended]);
    try {
      const host = remoteHost(link);
      let forced = asked;
      for (let tries = 0; ; tries += 1) {
        const given = this.given;
        this.#try = { ...this.#try, number: tries + 1 };
        try {
          const backed = await this.#bring(link, host, { forced, link: ended }, until);
          // Another token was set meanwhile: that one is to be proved.
          if (given === this.given) return backed;
        } catch (error) {
          until.throwIfAborted();
          // It failed with a token that does not count any more.
          if (given !== this.given) continue;
          const fault = Fault.from(error);
          forced &&= unheard.includes(fault.code);
          this.#try = { ...this.#try, fault: fault.report() };
          this.#news.stumbled(link, fault);
          if (tries >= pauses.length || !mayCureItself(fault)) throw fault;
          await this.#pause(tries, fault, until);
        }
      }
    } catch (error) {
      // What a plugin makes of a lost link is not the news.
      throw link.fault ?? error;
    }
  }

  async #pause(tries: number, fault: Fault, until: AbortSignal): Promise<void> {
    const pause = pauses[tries] ?? 0;
    const { of } = this.#try;
    this.#try = { number: tries + 1, of, fault: fault.report() };
    this.#stage('pause', `try ${tries + 1} of ${of}: ${fault.message}; again in ${pause / 1000} s`);
    await sleep(pause, undefined, { signal: until }).catch(() => until.throwIfAborted());
  }

  #stage(stage: Stage, note: string | null): void {
    this.#news.stage(stage, note, this.#try);
  }

  /** Aborted when the link ends: what a plugin began for it hears of that long after it was made ready. */
  #endOf(link: Link): AbortSignal {
    const known = this.#ends.get(link);
    if (known !== undefined) return known.signal;
    const end = new AbortController();
    this.#ends.set(link, end);
    link.onLost((fault) => end.abort(fault));
    return end.signal;
  }

  async #bring(
    link: Link,
    host: RemoteHost,
    call: Pick<BackendCall, 'forced' | 'link'>,
    signal: AbortSignal,
  ): Promise<Backed> {
    const { forwards, name } = this.#relay;
    this.#reached = null;
    const backend = await this.#backend(host, call, signal);
    this.#reached = backend;
    this.#target = backend?.target ?? this.#target;
    const token = await this.#token(host, backend, signal);
    const door = backend?.door ?? null;
    const ask = door === null || !token ? null : { door, token, relay: name, byHand: token === this.given };
    const verify = backend === null ? null : token ? await witness(host, backend, signal) : ownWord(backend);
    if (ask !== null && backend !== null) {
      this.#stage('proof', null);
      await checkToken(() => dial(link, backend), ask.door, ask.token, signal, verify).catch((error: unknown) => {
        throw adviseRefused(error, name, ask.byHand);
      });
    }
    const ready = readyForwards(forwards, backend?.target ?? null);
    if (ready.every((forward) => forward === null)) {
      const text = `no plugin of ${name} says where its backend listens; use "launch", or name a target`;
      throw new Fault('CONFIG_INVALID', text);
    }
    signal.throwIfAborted();
    return { forwards: ready, backend, token: token ?? null, ask, verify };
  }

  /** The backend that was brought last, whether or not it was proved; null: it did not even come. */
  get reached(): Backend | null {
    return this.#reached;
  }

  /** Numbers of the forwards that wait for what is brought over a new link, as far as anybody can say; all, where that is only a token. */
  get awaited(): readonly number[] {
    return keptForwards(this.#relay.forwards, this.#target, true, this.#providers.backendPort);
  }

  /** Numbers of the forwards that lead to a backend that did not come, as far as anybody can say. */
  get kept(): readonly number[] {
    const { hasBackend, backendPort } = this.#providers;
    return keptForwards(this.#relay.forwards, this.#target, hasBackend, backendPort);
  }

  /** When one that was ready and is missed may be brought again: at once the first time, then less and less often. */
  retryAt(now: number): number {
    if (now - this.#readied > steady) this.#retries = 0;
    if (this.#retries === 0) return now;
    return Math.max(now, this.#readied + Math.min(steady, 1_000 * 2 ** this.#retries));
  }

  /** It is missed, and will be brought again. */
  retry(): void {
    this.#retries += 1;
  }

  async #backend(
    host: RemoteHost,
    call: Pick<BackendCall, 'forced' | 'link'>,
    signal: AbortSignal,
  ): Promise<Backend | null> {
    if (!this.#providers.hasBackend) return null;
    const targets = fixedTargets(this.#relay.forwards);
    const { warn } = this.#news;
    this.#stage('backend', null);
    const progress = (text: string) => this.#stage('backend', text);
    return (await this.#providers.backend(host, { ...call, signal, targets, progress, warn })) ?? null;
  }

  async #token(host: RemoteHost, backend: Backend | null, signal: AbortSignal): Promise<Secret | null | undefined> {
    if (this.given !== null) return this.given;
    if (backend?.token !== undefined) return backend.token;
    if (!this.#providers.hasToken) return undefined;
    this.#stage('token', null);
    return this.#providers.token(host, backend, signal);
  }
}

/** One that opens its port and ends at once is seen as dead by the next try, which then says why; one that is refused its token is not cured. */
function mayCureItself(fault: Fault): boolean {
  const retry = retryOf(fault);
  return retry === 'launch' || (retry === 'forward' && fault.code !== 'TOKEN_REFUSED');
}

function dial(link: Link, backend: Backend): Promise<Channel> {
  return link.dial(backend.target, loopback);
}
