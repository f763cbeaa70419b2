import { hostKeyAliasOf } from './host-key-alias.ts';
import { Fault } from '../../model/fault.ts';
import { algorithmChoice, publicKeyAlgorithms } from './algorithm-choice.ts';
import { configFault, untrustedFault } from './config-fault.ts';
import { ConfigPaths } from './config-paths.ts';
import { defaultIdentities } from './default-identities.ts';
import type { AuthMethod, HostConfig } from './host-config.ts';
import { checkHost, checkUser, parseHostSpec } from './host-name.ts';
import { ignoredSettings } from './ignored.ts';
import { parseJumps } from './jump.ts';
import { expandProxyCommand, fdpassFault } from './proxy-command.ts';
import { askConfig, type ReadConfig, type Resolution, type ResolveOptions } from './resolution.ts';
import type { Setting } from './settings.ts';
import { expandTokens } from './tokens.ts';

export type { ResolveOptions } from './resolution.ts';

/** Resolves `[user@]host[:port]` or an alias as ssh would, by an ssh_config that was read already. Throws HOST_INVALID or SSH_CONFIG_INVALID. */
export async function askHost(config: ReadConfig, text: string): Promise<HostConfig> {
  return hostConfigOf(text, await askConfig(config, parseHostSpec(text)));
}

/** What a relay needs of a host: checked, every path absolute, every token expanded. Throws HOST_INVALID or SSH_CONFIG_INVALID. */
export function hostConfigOf(alias: string, resolution: Resolution): HostConfig {
  const { hostName, user, port, settings, query, files } = resolution;
  const setting = (keyword: string) => settings.first(keyword);
  const value = (keyword: string) => setting(keyword)?.values[0];
  refuse(setting('refuseconnection'));
  checkHost(hostName, whence(setting('hostname')));
  checkUser(user, query.user === null ? whence(setting('user')) : '');
  const hostKeyAlias = hostKeyAliasOf(settings);
  if (hostKeyAlias !== null) checkHost(hostKeyAlias, whence(setting('hostkeyalias')));

  const paths = new ConfigPaths(resolution);
  const identityFiles = settings.all('identityfile').filter(({ values }) => values[0]?.toLowerCase() !== 'none');
  const identities = identityFiles.flatMap((one) => paths.list(one, []).map((path) => ({ path, at: one.at })));
  const identityFilesDefault = settings.all('identityfile').length === 0;
  const usersFiles = paths.list(setting('userknownhostsfile'), ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']);
  const systemFiles = paths.list(setting('globalknownhostsfile'), [
    '/etc/ssh/ssh_known_hosts',
    '/etc/ssh/ssh_known_hosts2',
  ]);
  return {
    alias,
    hostName,
    port,
    user,
    identityFiles: identityFilesDefault
      ? defaultIdentities.map((name) => paths.one(`~/.ssh/${name}`, 'default'))
      : identities.map(({ path }) => path),
    identityPlaces: Object.fromEntries(identities.map(({ path, at }) => [path, at])),
    identityFilesDefault,
    identitiesOnly: value('identitiesonly') === 'yes',
    agent: agentOf(setting('identityagent'), paths, resolution.options),
    certificateFiles: settings.all('certificatefile').flatMap((one) => paths.list(one, [])),
    publicKeyAlgorithms: publicKeyAlgorithms(settings),
    requiredRsaSize: Number(value('requiredrsasize') ?? 1024),
    authMethods: authMethodsOf(value),
    passwordPrompts: Number(value('numberofpasswordprompts') ?? 3),
    batchMode: value('batchmode') === 'yes',
    hostKeyAlias,
    knownHostsFiles: [...usersFiles, ...systemFiles],
    knownHostsTo: usersFiles[0] ?? null,
    hashKnownHosts: value('hashknownhosts') === 'yes',
    hostKeyChecking: checkingOf(value('stricthostkeychecking')),
    revokedHostKeys:
      value('revokedhostkeys')?.toLowerCase() === 'none'
        ? null
        : (paths.list(setting('revokedhostkeys'), [])[0] ?? null),
    algorithms: algorithmChoice(settings),
    addressFamily: familyOf(value('addressfamily')),
    bindAddress: value('bindaddress') ?? null,
    proxyJump: jumpsOf(resolution),
    proxyCommand: proxyCommandOf(resolution),
    keepalive: keepaliveOf(value),
    warnings: [
      ...ignoredSettings(settings).flatMap(({ warning }) => warning ?? []),
      ...checkingWarning(setting('stricthostkeychecking')),
      ...paths.warnings,
    ],
    files,
  };
}

type Value = (keyword: string) => string | undefined;

/** IdentityAgent: `none`, `SSH_AUTH_SOCK`, `$VARIABLE` or a path; by default what SSH_AUTH_SOCK names. */
function agentOf(setting: Setting | undefined, paths: ConfigPaths, { env }: ResolveOptions): string | null {
  const [text = 'SSH_AUTH_SOCK'] = setting?.values ?? [];
  if (text === 'none') return null;
  if (text === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'] || null;
  if (text.startsWith('$') && !text.startsWith('${')) return env[text.slice(1)] || null;
  return paths.one(text, setting?.at ?? 'default');
}

const knownMethods: readonly AuthMethod[] = ['publickey', 'keyboard-interactive', 'password'];

/** ssh's order, less what is switched off; methods that towline does not have are passed over. */
function authMethodsOf(value: Value): readonly AuthMethod[] {
  const off: readonly (AuthMethod | null)[] = [
    value('pubkeyauthentication') === 'false' ? 'publickey' : null,
    value('kbdinteractiveauthentication') === 'no' ? 'keyboard-interactive' : null,
    value('passwordauthentication') === 'no' ? 'password' : null,
  ];
  const preferred = value('preferredauthentications')?.split(',') ?? knownMethods;
  return preferred.flatMap((name) => knownMethods.filter((method) => method === name && !off.includes(method)));
}

function checkingOf(word: string | undefined): HostConfig['hostKeyChecking'] {
  // "no" would accept anybody: it counts as accept-new, with a warning.
  if (word === 'accept-new' || word === 'false') return 'accept-new';
  return word === 'true' ? 'yes' : 'ask';
}

function checkingWarning(setting: Setting | undefined): readonly string[] {
  if (setting?.values[0] !== 'false') return [];
  return [`${setting.at}: StrictHostKeyChecking no counts as accept-new: a changed host key is always refused`];
}

function familyOf(word: string | undefined): HostConfig['addressFamily'] {
  return word === 'inet' || word === 'inet6' ? word : 'any';
}

function jumpsOf({ settings, hostName, port, user, query }: Resolution): readonly string[] {
  const setting = settings.first('proxyjump');
  if (setting === undefined) return [];
  const jumps = parseJumps(setting.values[0] ?? '', { at: setting.at, keyword: 'ProxyJump' });
  // As ssh does it: taken apart first, and then each part is expanded.
  const letters = { h: hostName, n: query.host, p: String(port), r: user };
  const expand = (text: string) => expandTokens(text, { letters, env: null }, setting.at);
  for (const jump of jumps) {
    checkHost(expand(jump.host), `${setting.at}: ProxyJump `);
    if (jump.user !== null) checkUser(expand(jump.user), `${setting.at}: ProxyJump `);
  }
  const last = jumps.at(-1);
  if (last?.host === hostName && (last.port ?? 22) === port && (last.user ?? user) === user) {
    throw configFault(
      `${setting.at}: ProxyJump leads from "${last.host}" to itself; write "ProxyJump none" for that host before it`,
    );
  }
  // In a URI a % is of its own kind.
  return jumps.map(({ text }) => (text.startsWith('ssh://') ? text : expand(text)));
}

function proxyCommandOf({ settings, hostName, query, port, user }: Resolution): string | null {
  const setting = settings.first('proxycommand');
  const [text = 'none'] = setting?.values ?? [];
  if (setting === undefined || text.toLowerCase() === 'none') return null;
  if (!setting.trusted) throw untrustedFault(setting.at);
  const fdpass = settings.first('proxyusefdpass');
  if (fdpass?.values[0] === 'yes') throw fdpassFault(fdpass.at);
  const values = { hostName, named: query.host, port, user, hostKeyAlias: hostKeyAliasOf(settings) };
  return expandProxyCommand({ text, at: setting.at }, values);
}

function keepaliveOf(value: Value): HostConfig['keepalive'] {
  const interval = Number(value('serveraliveinterval') ?? (value('batchmode') === 'yes' ? 300 : 0)) * 1_000;
  const count = Number(value('serveralivecountmax') ?? 3);
  return interval > 0 && count > 0 ? { interval, count } : null;
}

/** The place of a value, as the beginning of a message. */
function whence(setting: Setting | undefined): string {
  return setting === undefined || setting.at === '' ? '' : `${setting.at}: `;
}

function refuse(setting: Setting | undefined): void {
  if (setting === undefined || setting.values[0]?.toLowerCase() === 'none') return;
  throw new Fault('SSH_CONFIG_INVALID', `${setting.at}: RefuseConnection "${setting.values[0]}"; remove it to connect`);
}
