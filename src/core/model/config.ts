import type { Endpoint, Target } from './endpoint.ts';
import type { HookName } from './hooks.ts';

/** The parsed config file. Nothing in it is optional, nothing changes after parsing. Durations are ms, sizes bytes. */
export interface Config {
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Another ssh_config than ~/.ssh/config; null for the user's own and the system's (ssh_config(5), `ssh -F`). */
  readonly sshConfig: string | null;
  readonly relays: readonly RelayConfig[];
}

/** One relay. `defaults` in the file may set all but name, host, start, forwards and plugins. */
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
  readonly hold: Hold;
  /** Whether each link runs `uname -n` on the host once, so that sshd turns Nagle's algorithm off. Default true. */
  readonly quicken: boolean;
  /** Most connections open at once. Default 8192. */
  readonly connections: number;
  /** How long a link must live to count as a success. Default 30 s. */
  readonly settle: number;
  /** How long open connections may go on after a stop. Default 10 s. */
  readonly drain: number;
  /** Largest resident size of a worker of this relay, bytes. Default 1 GiB. */
  readonly memory: number;
}

/** When an idle link is asked for life (ssh_config(5): ServerAliveInterval, ServerAliveCountMax). */
export interface Keepalive {
  /** ms without a byte before a ping. */
  readonly interval: number;
  /** Pings that may stay without an answer. */
  readonly count: number;
}

/** What holds where neither the relay nor ssh_config says otherwise: 20 s, which 30 % packet loss survives. */
export const defaultKeepalive: Keepalive = { interval: 5_000, count: 3 };

/** What `"fast"` in the config means: 4 s. Where packets get lost a link may be silent for longer and live. */
export const fastKeepalive: Keepalive = { interval: 1_000, count: 3 };

/** ms without a byte after which a link counts as dead. */
export function detectTime({ interval, count }: Keepalive): number {
  return interval * (count + 1);
}

/** How long each stage of connecting and each channel open may take, ms. */
export interface Deadlines {
  /** The TCP connect, name look-up included; over a jump host, opening the channel. Default 5 s. */
  readonly tcp: number;
  /** From there to the server's identification (RFC 4253 section 4.2). Default 5 s. */
  readonly greeting: number;
  /** From there to the agreed keys (RFC 4253 section 7). Default 10 s. */
  readonly keyExchange: number;
  /** From there to the accepted login (RFC 4252). Default 20 s. */
  readonly auth: number;
  /** Opening one channel to the target (RFC 4254 section 5.1). Default 5 s. */
  readonly open: number;
}

/**
 * So many of its deadlines the opening of a channel may take until the server has seen the request. No full pipe takes so many (at 60 KiB/s: 15 MiB):
 * a server that talks on and on and does not answer is not waited for.
 */
export const openPatience = 50;

/** The longest that opening one channel takes, ms: until its request was seen, and then for the answer. Whoever waits for it waits for longer. */
export function longestOpen({ open }: Pick<Deadlines, 'open'>): number {
  return open * (openPatience + 1);
}

/** What holds where a relay says nothing else, and for whoever connects without one. */
export const defaultDeadlines: Deadlines = {
  tcp: 5_000,
  greeting: 5_000,
  keyExchange: 10_000,
  auth: 20_000,
  open: 5_000,
};

/** Clients that come while nothing leads to their target wait. */
export interface Hold {
  /** How long one may wait, ms, not counting the time in which a backend is launched or proved: that has its own deadlines. 0: nobody waits. Default 10 s. */
  readonly time: number;
  /** How many may wait at once. Default 512. */
  readonly connections: number;
}

/** One forward. */
export type ForwardConfig = LocalForward | RemoteForward | DynamicForward;

/** Listen here, dial there (`ssh -L`). */
export interface LocalForward {
  readonly kind: 'local';
  readonly listen: Endpoint;
  readonly target: Target;
  readonly health: HealthConfig | null;
}

/** Listen there, dial here (`ssh -R`; RFC 4254 section 7.1). */
export interface RemoteForward {
  readonly kind: 'remote';
  /** As the remote host sees it; port 0 lets its server choose. */
  readonly listen: Endpoint;
  /** As this machine sees it. */
  readonly target: Endpoint;
  readonly health: null;
}

/** A SOCKS proxy here, whose clients say where to dial there (`ssh -D`; RFC 1928). */
export interface DynamicForward {
  readonly kind: 'dynamic';
  readonly listen: Endpoint;
  /** Each client names its own. */
  readonly target: null;
  readonly health: null;
}

/** The forwards whose clients connect to this machine. */
export function listensHere(forward: Pick<ForwardConfig, 'kind'>): boolean {
  return forward.kind !== 'remote';
}

/** A probe through the relay. */
export interface HealthConfig {
  /** `backend`: as the backend's recipe says, with its token; TCP where nobody knows more. The default where the target is the backend. */
  readonly kind: 'tcp' | 'websocket' | 'http' | 'backend';
  /** Path of the HTTP or WebSocket request. Default `/`. */
  readonly path: string;
  /** The status that an HTTP answer must have; null (default): any of 200 to 399. */
  readonly status: number | null;
  /** A text that an HTTP answer must contain, in its first 64 KiB; null (default): any. */
  readonly body: string | null;
  /** ms from the end of one check to the next. Default 15 s. */
  readonly every: number;
  /** ms that one check may take. Default 3 s, or `every` where that is less. */
  readonly timeout: number;
  /** Good results in a row that make an unwell forward well. Default 1. */
  readonly rise: number;
  /** Bad results in a row that make a well forward unwell. Default 3. */
  readonly fall: number;
}

/** A plugin that a relay uses, and its own options as they stand in the file. */
export interface PluginUse {
  /** The name of a built-in one, an absolute path, or the name of an npm package. */
  readonly use: string;
  /** The folder in which the search for a package begins: that of the config file. */
  readonly from: string;
  /** Where the file has it: `/path/towline.json:12:9 relays.web.plugins[0]`. It says nothing of what is used, and no two configs differ by it. */
  readonly place?: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Other deadlines than the hooks' own, ms. */
  readonly deadlines: HookDeadlines;
}

/** How long hooks may take, ms; those that are absent take their own deadline. */
export type HookDeadlines = Readonly<Partial<Record<HookName, number>>>;
