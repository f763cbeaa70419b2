import { homedir } from 'node:os';
import { findConfig, loadConfig, type Whereabouts } from '../core/config/load.ts';
import type { Config } from '../core/model/config.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { type Detected, detectHosts } from '../core/ssh/hosts/detect.ts';
import { readManyHosts } from '../core/ssh/hosts/many-hosts.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { placeOf } from './config-place.ts';
import { drawHosts, type ShownHost } from './hosts-table.ts';
import { relaysByHost } from './relays-by-host.ts';
import { resolveOptions } from './resolve-options.ts';

/** `towline hosts`: what ssh_config and known_hosts know, and which relays use it. */
export async function hosts({ given, terminal }: Called): Promise<number> {
  const json = readFlag(given, 'json');
  const config = readConfig(placeOf(given, terminal), (text) => terminal.err(`towline: ${printable(text)}\n`));
  const found = await detect(readText(given, 'F') ?? config?.sshConfig ?? null);
  const relaysOf = relaysByHost(config?.relays ?? []);
  const shown = found.hosts.map((host): ShownHost => ({ ...host, relays: relaysOf(host) }));
  if (json) {
    terminal.out(`${JSON.stringify({ ...found, config: config?.file ?? null, hosts: shown.map(plain) }, null, 2)}\n`);
    return 0;
  }
  for (const trouble of found.troubles) terminal.err(`towline: ${printable(trouble)}\n`);
  const { colour, columns } = terminal;
  terminal.out(drawHosts(shown, found.hashed, { colour, columns, home: homedir() }));
  return 0;
}

/** Detects hosts as this user's ssh would see them. */
export async function detect(sshConfig: string | null): Promise<Detected> {
  return detectHosts(await readManyHosts(resolveOptions(sshConfig)));
}

/** Null where none is found; one that cannot be used is left aside with a word, unless it was named. */
function readConfig(where: Whereabouts, say: (text: string) => void): Config | null {
  try {
    return loadConfig(findConfig(where));
  } catch (error) {
    const fault = Fault.from(error);
    if (where.explicit !== null || fault.code === 'INTERNAL') throw fault;
    if (fault.code !== 'CONFIG_MISSING') say(`which relays use a host is not shown: ${fault.message}`);
    return null;
  }
}

function plain({ reaches, key, ...rest }: ShownHost): Readonly<Record<string, unknown>> {
  const fault = reaches instanceof Fault ? reaches.report() : null;
  const reach = reaches instanceof Fault ? { address: null, through: [], via: [], command: false } : reaches;
  return { ...rest, ...reach, key: key.state, keyTypes: key.types, fault };
}
