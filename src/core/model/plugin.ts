import type { Duplex } from 'node:stream';
import type { Backend } from './backend.ts';
import type { Config, HookDeadlines } from './config.ts';
import type { Endpoint } from './endpoint.ts';
import type { Event } from './event.ts';
import type { RemoteHost } from './remote.ts';
import type { Secret } from './secret.ts';

/**
 * A guest of towline: one plain object. `daemon` runs once in the supervisor, beside config and events; `relay` runs once
 * per lane, in that lane's worker, beside the bytes. State is the closure; clean-up is the AbortSignal.
 */
export interface Plugin<Options = unknown> {
  /** The version of this interface that it was written for; `definePlugin` writes it. Absent: this one. */
  readonly api?: number;
  /** The name under which log and status speak of it. */
  readonly name: string;
  /** Parses the options in the config file (any schema with `parse`); a throw is a config problem of that relay. */
  readonly options?: { parse(value: unknown): Options };
  daemon?(context: PluginContext<Options>): DaemonHooks | Promise<DaemonHooks>;
  relay?(context: PluginContext<Options>): RelayHooks | Promise<RelayHooks>;
}

/** What a factory is handed. */
export interface PluginContext<Options> {
  /** The relay in whose `plugins` it stands. */
  readonly relay: string;
  readonly options: Options;
  /** Aborted when the hooks are no longer called: clear timers, close files. */
  readonly signal: AbortSignal;
  /**
   * Of the daemon's environment HOME, USER, LOGNAME, PATH, SHELL, LANG, LC_ALL, TZ, TMPDIR, SSH_AUTH_SOCK and XDG_RUNTIME_DIR: secrets of other
   * programs are not among them. A built-in plugin that is declared to need all of it (`token`) gets all.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Which user of this machine a client is (uid); null when the kernel does not say, for a Unix socket, and outside of Linux. */
  readonly uidOf: (client: ClientConnection) => Promise<number | null>;
}

/** Hooks that run in the supervisor. */
export interface DaemonHooks extends ObserverHooks {
  /**
   * A gate for a new config, before it is taken over, and for `towline check`; deadline 2 s. Only a literal `true` accepts. A string refuses
   * and is the reason; a throw, no answer, or anything else refuses too (CONFIG_INVALID). It is asked of hooks of its own, whose signal is
   * aborted right afterwards.
   */
  check?(config: Config): true | string | Promise<true | string>;
}

/** Hooks of both sides. */
export interface ObserverHooks {
  /**
   * How long a hook of this object may take, ms, where the plugin's options say more than the usual deadline; `deadlines` in the config
   * wins.
   */
  readonly deadlines?: HookDeadlines;
  /**
   * Called after each event of its relay from its loading on, in order. A throw is reported and contained; after three the plugin is
   * dropped.
   */
  observe?(event: Event): void | Promise<void>;
}

/** Hooks that run in the relay's worker. Of providers the first answer in the order of the file counts; undefined is no answer. */
export interface RelayHooks extends ObserverHooks {
  /**
   * The port on which the backend of `backend` is to listen, where that is fixed: until it is proved there, nobody is led to who listens on it.
   * Absent: it says so when it has it.
   */
  readonly port?: number;
  /**
   * Says how to log in to one host of the route; asked for each of them at each attempt. What it says is offered before what ssh_config
   * and agent have. Deadline 10 s; a throw, no answer, or what is no credential is IDENTITY_UNREADABLE.
   */
  identify?(host: LoginHost): Credential | undefined | Promise<Credential | undefined>;
  /**
   * Makes sure that a backend runs, and says where it listens. Called after each link and when its backend is gone, one at a time per relay, so
   * it must find the one that an earlier link started. Deadline 60 s; a throw or no answer is LAUNCH_FAILED, a Fault that it throws stays as it
   * is. When the deadline passes `call.signal` is aborted, and it has 1 s to say by a Fault how far it came.
   */
  backend?(link: RemoteHost, call: BackendCall): Backend | undefined | Promise<Backend | undefined>;
  /**
   * Says the token of the backend; null: it has none. `backend` is null where no hook knows one. Deadline 10 s; a throw or no answer in time is
   * TOKEN_MISSING, a Fault that it throws stays as it is. Where nobody knows one the relay goes on without: a health check that is asked for one
   * (`http`, `websocket`) is TOKEN_MISSING then, `backend` is a TCP connection. `signal` is aborted once nobody waits for the answer any more.
   */
  token?(
    link: RemoteHost,
    backend: Backend | null,
    signal: AbortSignal,
  ): Secret | null | undefined | Promise<Secret | null | undefined>;
  /**
   * Looks at the host after each link, for what the user should know: the sentences that it returns stand in status until the next time, which
   * comes after 60 s while there are any. Nobody waits for it; deadline 30 s. A throw is reported and contained, as of `observe`. `signal` is
   * aborted when the deadline has passed, and when the link is given up.
   */
  inspect?(
    link: RemoteHost,
    signal: AbortSignal,
  ): readonly string[] | undefined | Promise<readonly string[] | undefined>;
  /**
   * A gate: is what answers at the target ours, and well? Asked with each health check, after towline's own. `token` is null where there is
   * none, and where the host does not show that the backend is still who listens there. Deadline 10 s. Only a literal
   * `true` says yes; a string says no and is the reason; a throw, no answer or anything else is PROBE_FAILED. A Fault that it throws stays as
   * it is. Connections that it opened are closed when it has answered.
   */
  probe?(dial: Dial, token: Secret | null): true | string | Promise<true | string>;
  /**
   * Asked once for each accepted client, before its target is dialed, in the order of the file; deadline 2 s.
   * Only a literal `true` admits. A string refuses and is the reason; a throw, no answer, or anything else refuses too.
   */
  admit?(connection: ClientConnection): true | string | Promise<true | string>;
  /**
   * A waterfall: given the client's stream, returns the one that is joined with the target, such as a stream that counts. It is called when the
   * target has answered; nothing of the client was read before but what a `dynamic` forward asks of it. Deadline 2 s; a throw, no answer, no stream or one that breaks cuts that
   * connection. When what it returned is ended, it must end the client's stream, once all is written; to destroy that before cuts the connection.
   */
  wrap?(stream: Duplex, connection: ClientConnection): Duplex | Promise<Duplex>;
}

/** A host of the route, as `identify` sees it. */
export interface LoginHost {
  /** What the user wrote: an alias of ssh_config, or a host. */
  readonly alias: string;
  readonly user: string;
  readonly hostName: string;
  readonly port: number;
  /** 0 for the first host of the route. */
  readonly hop: number;
  /** The host that the relay names; false for a jump host. */
  readonly last: boolean;
}

/** How to log in. */
export type Credential =
  /** The text of a private key as `ssh-keygen` or OpenSSL writes it, with its passphrase if it has one. */
  | { readonly kind: 'key'; readonly key: Secret; readonly passphrase?: Secret }
  /** The socket of an ssh-agent (absolute path): all keys that it holds are offered. */
  | { readonly kind: 'agent'; readonly socket: string }
  /** Answers the first question for the account's password; where the server does not take it, a person is asked. */
  | { readonly kind: 'password'; readonly password: Secret };

/**
 * Opens a connection to the target of a forward of the relay. Rejects with what `RemoteHost.dial` rejects with, and where the token may go over
 * it also with what `Backend.verify` rejects with, or with PROBE_FAILED where the host does not show any more who listens there.
 */
export type Dial = () => Promise<Duplex>;

/** What a `backend` hook is told of this call. */
export interface BackendCall {
  /** Aborted when its deadline passes, or the link is lost. */
  readonly signal: AbortSignal;
  /** Aborted when the link ends: what must not outlive it ends then. The same one at each call over one link. */
  readonly link: AbortSignal;
  /** The user asked for it: a backend that was stopped on purpose may be started again. */
  readonly forced: boolean;
  /**
   * The targets that the relay's forwards name themselves, instead of `backend`: where one that runs already is, as `token` takes it. Whoever
   * starts one chooses its port, and forwards with the target `backend` follow.
   */
  readonly targets: readonly Endpoint[];
  /** Tells how far it is, in a few words, such as the last line that it printed; shown beside `connecting` or `degraded`. */
  readonly progress: (text: string) => void;
  /** A sentence for the user that stays in status. */
  readonly warn: (text: string) => void;
}

/** One accepted client, as `admit` sees it; of a `remote` forward both addresses are as the remote host sees them. */
export interface ClientConnection {
  readonly relay: string;
  /** Index of the forward in the relay. */
  readonly forward: number;
  /** Where it came from; null for a Unix socket. */
  readonly from: { readonly address: string; readonly port: number } | null;
  /** The listener it came to; null for a Unix socket. */
  readonly to: { readonly address: string; readonly port: number } | null;
}
