import { homedir } from 'node:os';
import { connect } from './connect.ts';
import { commands, globalOptions } from './commands.ts';

/**
 * What the shell may offer next: commands first, then the names of the relays that run, or of those in the config, and the hosts of
 * ssh_config; nothing where a file is to be named.
 */
export async function complete(words: readonly string[]): Promise<readonly string[]> {
  const named = commands.find(({ name }) => words.includes(name));
  if (named === undefined) return commands.map(({ name }) => name);
  const known = [...named.options, ...(named.configured === true ? globalOptions : [])];
  const before = words.at(-2)?.replace(/^--?/, '');
  if (before === 'host' && known.some(({ name }) => name === before)) return orNothing(hosts(words));
  // With no answer of ours the shell completes file names.
  if (known.some(({ name, alias, value }) => value !== undefined && (name === before || alias === before))) return [];
  const options = [...known.map(({ name }) => (name.length === 1 ? `-${name}` : `--${name}`)), '--help'];
  const operands = (named.operands ?? []).map(({ shown }) => shown).join(' ');
  const names = !/RELAY/.test(operands)
    ? []
    : await orNothing(named.configured === true ? configured(words) : running());
  const places = /HOST/.test(operands) ? await orNothing(hosts(words)) : [];
  return [...new Set([...names, ...places, ...options])];
}

/** No daemon, no config, or one that cannot be read: a completion has nobody to tell. */
function orNothing(names: Promise<readonly string[]>): Promise<readonly string[]> {
  return names.catch(() => []);
}

async function running(): Promise<readonly string[]> {
  const { relays } = await connect().status();
  return relays.map(({ name }) => name);
}

async function configured(words: readonly string[]): Promise<readonly string[]> {
  const { findConfig, loadConfig } = await import('../core/config/load.ts');
  const explicit = words[words.indexOf('--config') + 1] ?? null;
  const where = { cwd: process.cwd(), explicit: words.includes('--config') ? explicit : null, env: process.env };
  return loadConfig(findConfig({ ...where, home: homedir() })).relays.map(({ name }) => name);
}

async function hosts(words: readonly string[]): Promise<readonly string[]> {
  const { loadSshConfig } = await import('../core/ssh/resolve/config-file.ts');
  const { declaredNames } = await import('../core/ssh/hosts/declared-names.ts');
  const explicit = words.includes('-F') ? (words[words.indexOf('-F') + 1] ?? null) : null;
  const { roots } = await loadSshConfig(explicit, { home: homedir(), env: process.env });
  return [...declaredNames(roots).keys()];
}
