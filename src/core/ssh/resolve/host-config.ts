import type { Keepalive } from '../../model/config.ts';

/** One host as ssh_config(5) resolves it; every path absolute, every token expanded. */
export interface HostConfig {
  /** What the user wrote. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** `file:line` of the IdentityFile line that names each of them; ssh's defaults have none. */
  readonly identityPlaces: Readonly<Record<string, string>>;
  /** True when the identity files are ssh's defaults: a missing one is no fault. */
  readonly identityFilesDefault: boolean;
  readonly identitiesOnly: boolean;
  /** Socket of the ssh-agent; null when there is none, or `IdentityAgent none`. */
  readonly agent: string | null;
  readonly certificateFiles: readonly string[];
  /** Signature algorithms that may be used for a key of ours (PubkeyAcceptedAlgorithms), with ssh's defaults. */
  readonly publicKeyAlgorithms: readonly string[];
  /** Bits; smaller RSA keys are neither used nor trusted. */
  readonly requiredRsaSize: number;
  /** PreferredAuthentications without those that PubkeyAuthentication and its like switch off, first one first. */
  readonly authMethods: readonly AuthMethod[];
  /** How often a wrong password is asked for anew. */
  readonly passwordPrompts: number;
  /** BatchMode: nobody is asked for anything. */
  readonly batchMode: boolean;
  readonly hostKeyAlias: string | null;
  /** The user's files, then the system's. */
  readonly knownHostsFiles: readonly string[];
  /** The first of the user's files: new keys are written there. Null where the user has none. */
  readonly knownHostsTo: string | null;
  readonly hashKnownHosts: boolean;
  /** What happens to a host key that no file knows; a changed one is always refused. */
  readonly hostKeyChecking: 'yes' | 'accept-new' | 'ask';
  readonly revokedHostKeys: string | null;
  /** As configured, before what ssh2 lacks is dropped; null where nothing is configured: then ours. */
  readonly algorithms: AlgorithmChoice;
  readonly addressFamily: 'any' | 'inet' | 'inet6';
  readonly bindAddress: string | null;
  /** Hops before this host, in order, as written (`ProxyJump`). */
  readonly proxyJump: readonly string[];
  /** Command whose stdin and stdout are the connection, tokens expanded and values checked; null for none. */
  readonly proxyCommand: string | null;
  /** ServerAliveInterval and ServerAliveCountMax where set and not 0, ms. */
  readonly keepalive: Keepalive | null;
  /** What was found and is not honoured yet, one sentence each, with file:line. */
  readonly warnings: readonly string[];
  /** Every file that was read or looked for; a change of one may change the result. */
  readonly files: readonly string[];
}

/** Ways to log in that towline knows (RFC 4252, RFC 4256). */
export type AuthMethod = 'publickey' | 'keyboard-interactive' | 'password';

/** Algorithm names by their use; null: not configured. */
export interface AlgorithmChoice {
  readonly kex: readonly string[] | null;
  readonly ciphers: readonly string[] | null;
  readonly macs: readonly string[] | null;
  readonly hostKeys: readonly string[] | null;
  /** HostKeyAlgorithms was written out whole (neither `+` nor `-`): what known_hosts has does not change its order. */
  readonly hostKeysVerbatim: boolean;
  /** Those of the names that nobody wrote: ssh's defaults, to which `+`, `-` and `^` apply. */
  readonly inherited: readonly string[];
}
