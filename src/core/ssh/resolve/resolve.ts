import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import type { HostConfig } from './host-config.ts';
import { checkHost, checkUser, type HostSpec, parseHostSpec } from './host-name.ts';
import { loadSshConfig } from './ssh-config-file.ts';
import { splitJump } from './ssh-config-keyword.ts';
import { evaluate, expandHostName, type Setting, type Settings } from './ssh-config-settings.ts';
import { expandTilde, expandTokens, type Tokens } from './tokens.ts';

/** Whose ssh_config is read, and with what around it. */
export interface ResolveOptions {
  /** Read instead of the user's and the system's file (`ssh -F`); null for those two. */
  readonly sshConfig: string | null;
  /** The home folder that `~` and `%d` stand for. */
  readonly home: string;
  readonly localUser: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** OpenSSH's defaults, in its order. */
const defaultIdentities = ['rsa', 'ecdsa', 'ecdsa_sk', 'ed25519', 'ed25519_sk', 'xmss', 'dsa'];

const defaultPublicKeyAlgorithms = `ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256-cert-v01@openssh.com
  ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521-cert-v01@openssh.com
  sk-ssh-ed25519-cert-v01@openssh.com sk-ecdsa-sha2-nistp256-cert-v01@openssh.com rsa-sha2-512-cert-v01@openssh.com
  rsa-sha2-256-cert-v01@openssh.com ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521
  sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com rsa-sha2-512 rsa-sha2-256`.split(/\s+/);

/** Resolves `[user@]host[:port]` or an alias as ssh would. Throws HOST_INVALID or SSH_CONFIG_INVALID. */
export async function resolveHost(text: string, options: ResolveOptions): Promise<HostConfig> {
  const spec = parseHostSpec(text);
  const sources = await loadSshConfig(options.sshConfig, options.home);
  const { localUser } = options;
  const settings = evaluate(sources, { host: spec.host, user: spec.user, localUser });
  const { first } = settings;

  const hostName = expandHostName(first.get('hostname'), spec.host).toLowerCase();
  checkHost(hostName, whence(first.get('hostname')));
  const user = spec.user ?? value(first.get('user')) ?? localUser;
  checkUser(user, spec.user === null ? whence(first.get('user')) : '');
  const port = spec.port ?? Number(value(first.get('port')) ?? 22);
  const hostKeyAlias = value(first.get('hostkeyalias'))?.toLowerCase() ?? null;
  if (hostKeyAlias !== null) checkHost(hostKeyAlias, whence(first.get('hostkeyalias')));

  const paths = new Paths(options, { spec, hostName, user, port, hostKeyAlias });
  const identityFiles = settings.identityFiles.filter((setting) => value(setting)?.toLowerCase() !== 'none');
  const identityFilesDefault = settings.identityFiles.length === 0;
  const agent = agentOf(first.get('identityagent'), paths, options);
  const knownHostsFiles = [
    ...paths.list(first.get('userknownhostsfile'), ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
    ...paths.list(first.get('globalknownhostsfile'), ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
  ];
  return {
    alias: text,
    hostName,
    port,
    user,
    identityFiles: identityFilesDefault
      ? defaultIdentities.map((type) => join(options.home, `.ssh/id_${type}`))
      : identityFiles.flatMap((setting) => paths.list(setting, [])),
    identityFilesDefault,
    identitiesOnly: value(first.get('identitiesonly')) === 'yes',
    agent,
    certificateFiles: [],
    publicKeyAlgorithms: defaultPublicKeyAlgorithms,
    requiredRsaSize: 1024,
    authMethods: ['publickey', 'keyboard-interactive', 'password'],
    passwordPrompts: 3,
    batchMode: false,
    hostKeyAlias,
    knownHostsFiles,
    knownHostsTo: knownHostsFiles[0] ?? null,
    hashKnownHosts: false,
    hostKeyChecking: 'ask',
    revokedHostKeys: null,
    algorithms: { kex: null, ciphers: null, macs: null, hostKeys: null, hostKeysVerbatim: false },
    addressFamily: 'any',
    bindAddress: null,
    proxyCommand: null,
    proxyJump: jumpsOf(settings, { spec, hostName, port }),
    keepalive: keepaliveOf(settings),
    warnings: [...settings.warnings, ...checkingWarning(first.get('stricthostkeychecking')), ...paths.warnings],
    files: sources.files,
  };
}

interface Target {
  readonly spec: HostSpec;
  readonly hostName: string;
  readonly user: string;
  readonly port: number;
  readonly hostKeyAlias: string | null;
}

class Paths {
  readonly warnings: string[] = [];
  readonly #home: string;
  readonly #tokens: Tokens;

  constructor(options: ResolveOptions, target: Target) {
    const { home, localUser, env } = options;
    const { spec, hostName, user, port, hostKeyAlias } = target;
    const [l, p] = [hostname(), String(port)];
    const letters = {
      C: createHash('sha1').update(`${l}${hostName}${p}${user}`).digest('hex'),
      d: home,
      h: hostName,
      i: String(userInfo().uid),
      k: hostKeyAlias ?? spec.host,
      L: l.replace(/\..*$/s, ''),
      l,
      n: spec.host,
      p,
      r: user,
      u: localUser,
    };
    this.#home = home;
    this.#tokens = { letters, env };
  }

  /** A file's path: `~`, tokens and variables replaced, absolute. */
  one(text: string, at: string): string {
    const path = expandTokens(expandTilde(text, this.#home, at), this.#tokens, at);
    if (/\p{Cc}/u.test(path)) {
      throw new Fault('SSH_CONFIG_INVALID', `${at}: path ${JSON.stringify(path)} has a control character; correct it`);
    }
    if (isAbsolute(path)) return path;
    // ssh takes the current folder; a daemon has none that means anything to its user.
    this.warnings.push(`${at}: "${path}" is not absolute and is looked for in ${this.#home}`);
    return join(this.#home, path);
  }

  list(setting: Setting | undefined, otherwise: readonly string[]): readonly string[] {
    return (setting?.values ?? otherwise).map((text) => this.one(text, setting?.at ?? 'defaults'));
  }
}

/** IdentityAgent: `none`, `SSH_AUTH_SOCK`, `$VARIABLE` or a path; by default what SSH_AUTH_SOCK names. */
function agentOf(setting: Setting | undefined, paths: Paths, options: ResolveOptions): string | null {
  const text = value(setting) ?? 'SSH_AUTH_SOCK';
  if (text === 'none') return null;
  if (text === 'SSH_AUTH_SOCK') return options.env['SSH_AUTH_SOCK'] || null;
  const at = setting?.at ?? 'defaults';
  if (!text.startsWith('$') || text.startsWith('${')) return paths.one(text, at);
  if (!/^\$[A-Za-z_][A-Za-z0-9_]*$/.test(text)) {
    throw new Fault('SSH_CONFIG_INVALID', `${at}: IdentityAgent "${text}" is no variable; write $NAME or a path`);
  }
  return options.env[text.slice(1)] || null;
}

function jumpsOf(settings: Settings, target: Pick<Target, 'spec' | 'hostName' | 'port'>): readonly string[] {
  const command = settings.first.get('proxycommand');
  if (command !== undefined && value(command)?.toLowerCase() !== 'none') {
    throw new Fault(
      'SSH_CONFIG_INVALID',
      `${command.at}: ProxyCommand is not supported yet; use ProxyJump where you can`,
    );
  }
  const jump = settings.first.get('proxyjump');
  const jumps = splitJump(value(jump) ?? 'none');
  const last = jumps.at(-1);
  if (jump === undefined || last === undefined) return [];
  const { user, host, port } = parseHostSpec(last);
  const wanted = target.spec.user ?? value(settings.first.get('user')) ?? null;
  if (host === target.hostName && (port ?? 22) === target.port && user === wanted) {
    const text = `${jump.at}: ProxyJump leads from "${host}" to itself; write "ProxyJump none" for that host before it`;
    throw new Fault('SSH_CONFIG_INVALID', text);
  }
  return jumps;
}

function keepaliveOf({ first }: Settings): HostConfig['keepalive'] {
  const interval = Number(value(first.get('serveraliveinterval')) ?? 0) * 1_000;
  const count = Number(value(first.get('serveralivecountmax')) ?? 3);
  return interval > 0 && count > 0 ? { interval, count } : null;
}

function checkingWarning(setting: Setting | undefined): readonly string[] {
  if (setting === undefined || value(setting) !== 'no') return [];
  return [`${setting.at}: StrictHostKeyChecking no is not followed: host keys are always checked`];
}

function value(setting: Setting | undefined): string | undefined {
  return setting?.values[0];
}

/** The place of a value, as the beginning of a message. */
function whence(setting: Setting | undefined): string {
  return setting === undefined ? '' : `${setting.at}: `;
}
