import type { Duplex } from 'node:stream';
import type { Backend } from '../model/backend.ts';
import type { Event } from '../model/event.ts';
import { Fault } from '../model/fault.ts';
import type { HookName, Side } from '../model/hooks.ts';
import type { BackendCall, ClientConnection, Credential, Dial, LoginHost, PluginContext } from '../model/plugin.ts';
import type { RemoteHost } from '../model/remote.ts';
import type { Secret } from '../model/secret.ts';
import { uidOf } from '../socket/tcp-table.ts';
import { scrubbedEnvironment } from './environment.ts';
import { admitted, checked, probed } from './gates.ts';
import { inspected } from './inspections.ts';
import type { Guest } from './load.ts';
import { backendOf, credentialOf, tokenOf } from './providers.ts';
import { Seat, type Told } from './seat.ts';
import { localMutex, type Mutex } from './mutex.ts';
import { wrapped } from './waterfall.ts';
import type { Config } from '../model/config.ts';

/** The plugins of one relay in one process, in the order of the file. Each hook has a deadline; what it throws never gets out as it is. */
export class Guests {
  readonly #told: Told;
  readonly #mutex: Mutex;
  #seats: Seat[] = [];
  #stop = new AbortController();
  #broken: Fault | null = null;

  /**
   * `told` hears of each failure; `fatal`: a plugin that must not be left out failed too often, the relay must not go on. `mutex` lets one
   * call of `backend` or `token` at a time through, for all lanes of the relay.
   */
  constructor(told: Told, mutex: Mutex = localMutex()) {
    this.#mutex = mutex;
    this.#told = (plugin, fault, fatal) => {
      if (fatal) this.#broken ??= fault;
      told(plugin, fault, fatal);
    };
  }

  /**
   * Calls the factory of one side of each plugin; all are seated, or none. `env`: the daemon's environment; who is not declared to need it gets
   * a part. Throws PLUGIN_FAILED.
   */
  async seat(
    guests: readonly Guest[],
    side: Side,
    relay: string,
    env: PluginContext<unknown>['env'] = process.env,
  ): Promise<void> {
    const attempt = new AbortController();
    const stop = this.#stop.signal;
    const seats: Seat[] = [];
    try {
      for (const guest of guests) {
        const context = {
          relay,
          options: guest.options,
          env: guest.wholeEnvironment === true ? { ...env } : scrubbedEnvironment(env),
          signal: AbortSignal.any([stop, attempt.signal]),
          uidOf,
        };
        const seat = await Seat.take(guest, side, context, this.#told);
        if (seat !== null) seats.push(seat);
      }
    } catch (error) {
      attempt.abort(new Error('a plugin beside it failed'));
      throw error;
    }
    if (!stop.aborted) this.#seats.push(...seats);
  }

  /** Why the relay must not go on: a plugin that must not be left out failed too often. Null while all is well. */
  get broken(): Fault | null {
    return this.#broken;
  }

  get gated(): boolean {
    return this.#has('admit');
  }

  get hasIdentify(): boolean {
    return this.#has('identify');
  }

  get hasBackend(): boolean {
    return this.#has('backend');
  }

  /** The port of which a plugin says that its backend is to listen there; null: none says so. */
  get backendPort(): number | null {
    return this.#seats.find(({ hooks }) => hooks.port !== undefined)?.hooks.port ?? null;
  }

  get hasToken(): boolean {
    return this.#has('token');
  }

  get hasProbe(): boolean {
    return this.#has('probe');
  }

  get hasWrap(): boolean {
    return this.#has('wrap');
  }

  get hasCheck(): boolean {
    return this.#has('check');
  }

  /** Asks each `check` in order; null accepts the config. Never rejects. */
  check(config: Config): Promise<Fault | null> {
    return checked(this.#seats, config);
  }

  /** Asks each `admit` in order; null admits. Only a literal true does: everything else refuses. Never rejects. */
  async admit(connection: ClientConnection): Promise<Fault | null> {
    if (this.#broken === null) return admitted(this.#seats, connection);
    return new Fault('ADMISSION_REFUSED', `a client was refused: ${this.#broken.message}`, { cause: this.#broken });
  }

  /** How to log in to a host, by the first plugin that knows; undefined: none does. Rejects with IDENTITY_UNREADABLE, or what the plugin said. */
  identify(host: LoginHost): Promise<Credential | undefined> {
    return credentialOf(this.#seats, host);
  }

  /**
   * Makes sure of a backend by the first plugin that has one; undefined: none has. Rejects with LAUNCH_FAILED, with the fault that the
   * plugin said, or with the reason of `call.signal`, which ends it.
   */
  backend(link: RemoteHost, call: BackendCall): Promise<Backend | undefined> {
    return this.#mutex(() => backendOf(this.#seats, link, call), call.signal);
  }

  /**
   * The token by the first plugin that knows; null: the backend has none; undefined: nobody knows. Rejects with TOKEN_MISSING, with what the
   * plugin said, or with the reason of `signal`, which ends it.
   */
  token(
    link: RemoteHost,
    backend: Backend | null,
    signal: AbortSignal = this.#stop.signal,
  ): Promise<Secret | null | undefined> {
    return this.#mutex(() => tokenOf(this.#seats, link, backend, signal), signal);
  }

  /** Asks each `probe`; null: all say yes. What they dialed is closed then. Never rejects. */
  probe(dial: Dial, token: Secret | null): Promise<Fault | null> {
    return probed(this.#seats, dial, token);
  }

  /** The stream that is joined with the target in the client's place; the same one where no plugin wraps. Rejects with PLUGIN_FAILED. */
  async wrap(stream: Duplex, connection: ClientConnection): Promise<Duplex> {
    if (this.#broken !== null) throw this.#broken;
    return wrapped(this.#seats, stream, connection);
  }

  /** Lets each `inspect` look at the host and tells what it has to say. `signal`: nobody wants to hear it any more. Never rejects. */
  inspect(
    link: RemoteHost,
    noted: (plugin: string, notes: readonly string[]) => void,
    signal: AbortSignal = this.#stop.signal,
  ): Promise<void> {
    return inspected(this.#seats, link, noted, signal);
  }

  /** Tells each `observe`; nobody waits for them. */
  observe(event: Event): void {
    for (const seat of this.#seats) {
      const observe = seat.hooks.observe?.bind(seat.hooks);
      // Its strike was counted and told where it failed; a fault that it threw on purpose is one too.
      if (observe === undefined || seat.dropped) continue;
      seat
        .call('observe', () => observe(event))
        .catch((error: unknown) => {
          const fault = Fault.from(error);
          if (fault.code !== 'PLUGIN_FAILED') seat.strike(fault);
        });
    }
  }

  /** Gives all seats up, so that others can be taken. The signal that each factory was given is aborted. */
  unseat(): void {
    this.#stop.abort(new Error('the plugins are loaded anew'));
    this.#stop = new AbortController();
    this.#seats = [];
    this.#broken = null;
  }

  /** Aborts the signal that each factory was given; nobody is seated any more. */
  dismiss(): void {
    this.#stop.abort(new Error('the relay ends'));
    this.#seats = [];
  }

  #has(hook: HookName): boolean {
    return this.#seats.some((seat) => seat.hooks[hook] !== undefined);
  }
}
