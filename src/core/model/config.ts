import type { Endpoint } from './endpoint.ts';

/** The parsed config file. Nothing in it is optional, nothing changes after parsing. Durations are ms, sizes bytes. */
export interface Config {
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Another ssh_config than ~/.ssh/config; null for the user's own and the system's (ssh_config(5), `ssh -F`). */
  readonly sshConfig: string | null;
  readonly relays: readonly RelayConfig[];
}

/** One relay. */
export interface RelayConfig {
  readonly name: string;
  /** An alias of ssh_config or `[user@]host[:port]`. */
  readonly host: string;
  /** Whether `up` starts it. Default true. */
  readonly start: boolean;
  readonly forwards: readonly ForwardConfig[];
  readonly plugins: readonly PluginUse[];
  /** `relay`: own worker and link (default). `shared`: one worker, and one link for each resolved route. */
  readonly isolation: 'relay' | 'shared';
  /** Links kept ready at once, 1 (default) or 2. */
  readonly lanes: number;
  /** Null: ssh_config's ServerAlive* where set, else 5 s x 3. */
  readonly keepalive: Keepalive | null;
  readonly deadlines: Deadlines;
  readonly hold: { readonly time: number; readonly connections: number };
  /** Most connections open at once. Default 8192. */
  readonly connections: number;
  /** How long a link must live to count as a success. Default 30 s. */
  readonly settle: number;
  /** How long open connections may go on after a stop. Default 10 s. */
  readonly drain: number;
  /** Largest resident size of a worker of this relay, bytes. Default 1 GiB. */
  readonly memory: number;
}

/** A ping after `interval` ms of silence; the link is dead after `interval * (count + 1)` ms without a byte. */
export interface Keepalive {
  readonly interval: number;
  readonly count: number;
}

/** How long each stage of connecting, each channel open and each admission may take, ms. */
export interface Deadlines {
  readonly tcp: number;
  readonly greeting: number;
  readonly keyExchange: number;
  readonly auth: number;
  readonly open: number;
}

/** One forward. `remote` and `dynamic` will join the union. */
export type ForwardConfig = LocalForward;

/** Listen here, dial there (`ssh -L`). */
export interface LocalForward {
  readonly kind: 'local';
  readonly listen: Endpoint;
  readonly target: Endpoint;
  readonly health: HealthConfig | null;
}

/** A probe through the relay. */
export interface HealthConfig {
  readonly kind: 'tcp' | 'websocket';
  /** Path of the WebSocket request. Default `/`. */
  readonly path: string;
  readonly every: number;
  readonly timeout: number;
  readonly rise: number;
  readonly fall: number;
}

/** A plugin that a relay uses: a built-in name or a path, and its own options as they stand in the file. */
export interface PluginUse {
  readonly use: string;
  readonly options: Readonly<Record<string, unknown>>;
}
