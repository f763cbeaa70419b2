import type { Event } from './event.ts';

/**
 * A guest of towline: one plain object. `daemon` runs once in the supervisor, beside config and events; `relay` runs once
 * per lane, in that lane's worker, beside the bytes. State is the closure; clean-up is the AbortSignal.
 */
export interface Plugin<Options = unknown> {
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
  /** Which user of this machine a client is (uid); null when the kernel does not say, for a Unix socket, and outside of Linux. */
  readonly uidOf: (client: ClientConnection) => Promise<number | null>;
}

/** Hooks that run in the supervisor. */
export interface DaemonHooks {
  /**
   * Called after each event of its relay from its loading on, in order. A throw is reported and contained; after three the plugin is
   * dropped.
   */
  observe?(event: Event): void | Promise<void>;
}

/** Hooks that run in the relay's worker. */
export interface RelayHooks extends DaemonHooks {
  /**
   * Asked once for each accepted client, before its target is dialed, in the order of the file; deadline 2 s.
   * Only a literal `true` admits. A string refuses and is the reason; a throw, no answer, or anything else refuses too.
   */
  admit?(connection: ClientConnection): true | string | Promise<true | string>;
}

/** One accepted client, as `admit` sees it. */
export interface ClientConnection {
  readonly relay: string;
  /** Index of the forward in the relay. */
  readonly forward: number;
  /** Where it came from; null for a Unix socket. */
  readonly from: { readonly address: string; readonly port: number } | null;
  /** The listener it came to; null for a Unix socket. */
  readonly to: { readonly address: string; readonly port: number } | null;
}
