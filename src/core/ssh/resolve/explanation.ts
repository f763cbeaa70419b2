import { Fault } from '../../model/fault.ts';
import { dumpLines } from './dump.ts';
import type { DumpLine } from './dump-sheet.ts';
import type { HostConfig } from './host-config.ts';
import { parseHostSpec } from './host-name.ts';
import { type Ignored, ignoredSettings } from './ignored.ts';
import { askConfig, readConfig, type Resolution, type ResolveOptions } from './resolution.ts';
import { askHost, hostConfigOf } from './resolve.ts';
import { routeHosts } from './route-hosts.ts';

/** What ssh_config says of a host, and what a relay makes of it. */
export interface Explanation {
  /** As it was asked for. */
  readonly host: string;
  readonly config: HostConfig;
  /** The hosts on the way, first one first. */
  readonly route: readonly HostConfig[];
  /** What is set and honoured, in the words of `ssh -G`. */
  readonly settings: readonly DumpLine[];
  readonly ignored: readonly Ignored[];
  /** Why ssh would not connect, because of a setting that plays no part in a relay; null where it would. */
  readonly refusal: string | null;
}

/** Settings that say where a host is: shown also where they are defaults. */
const always = ['hostname', 'user', 'port', 'identityfile', 'userknownhostsfile', 'stricthostkeychecking'];

/** Resolves a host and tells where each setting comes from. Throws HOST_INVALID or SSH_CONFIG_INVALID. */
export async function explainHost(text: string, options: ResolveOptions): Promise<Explanation> {
  const read = await readConfig(options);
  const spec = parseHostSpec(text);
  const resolution = await askConfig(read, spec);
  const config = hostConfigOf(text, resolution);
  const route = (await routeHosts(config, (host) => askHost(read, host))).slice(0, -1);
  const ignored = ignoredSettings(resolution.settings);
  const left = new Set(ignored.map(({ keyword }) => keyword));
  const { lines, refusal } = linesOf(resolution);
  const said = [...(spec.user === null ? [] : ['user']), ...(spec.port === null ? [] : ['port'])];
  const settings = lines
    .filter(({ keyword, at }) => keyword !== 'host' && !left.has(keyword) && (at !== null || always.includes(keyword)))
    .map((line) => (line.at === null && said.includes(line.keyword) ? { ...line, at: 'the command line' } : line));
  return { host: text, config, route, settings, ignored, refusal };
}

/** What `ssh -G` prints for a host. Throws HOST_INVALID, and SSH_CONFIG_INVALID where ssh would end. */
export async function dumpHost(text: string, options: ResolveOptions): Promise<readonly DumpLine[]> {
  return dumpLines(await askConfig(await readConfig(options), parseHostSpec(text)));
}

/** What ssh refuses for its session's sake does not concern a relay: then the settings are shown as they are written. */
function linesOf(resolution: Resolution): { readonly lines: readonly DumpLine[]; readonly refusal: string | null } {
  try {
    return { lines: dumpLines(resolution), refusal: null };
  } catch (error) {
    const { message } = Fault.from(error);
    const lines = honoured.flatMap((keyword) =>
      resolution.settings.all(keyword).map(({ values, at }) => ({ keyword, text: values.join(' '), at: at || null })),
    );
    return { lines, refusal: message };
  }
}

const honoured = `user hostname port addressfamily bindaddress identityfile certificatefile identitiesonly identityagent
  userknownhostsfile globalknownhostsfile hostkeyalias stricthostkeychecking hashknownhosts revokedhostkeys
  preferredauthentications pubkeyauthentication passwordauthentication kbdinteractiveauthentication
  numberofpasswordprompts batchmode ciphers macs kexalgorithms hostkeyalgorithms pubkeyacceptedalgorithms
  requiredrsasize serveraliveinterval serveralivecountmax proxyjump proxycommand`.split(/\s+/);
