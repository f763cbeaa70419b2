import type { Keepalive } from '../model/config.ts';

/** One host as ssh_config(5) resolves it; every path absolute, every token expanded. */
export interface HostConfig {
  /** What the user wrote. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** True when the identity files are ssh's defaults: a missing one is no fault. */
  readonly identityFilesDefault: boolean;
  readonly identitiesOnly: boolean;
  /** Socket of the ssh-agent; null when there is none, or `IdentityAgent none`. */
  readonly agent: string | null;
  readonly hostKeyAlias: string | null;
  readonly knownHostsFiles: readonly string[];
  /** Hops before this host, in order, as written (`ProxyJump`). */
  readonly proxyJump: readonly string[];
  /** ServerAliveInterval and ServerAliveCountMax where set and not 0, ms. */
  readonly keepalive: Keepalive | null;
  /** What was found and is not honoured yet, one sentence each, with file:line. */
  readonly warnings: readonly string[];
  /** Every file that was read or looked for; a change of one may change the result. */
  readonly files: readonly string[];
}
