import { homedir } from 'node:os';
import { connect } from './connect.ts';
import { commands, globalOptions } from './commands.ts';

/** What the shell may offer next: commands first, then the names of the relays that run, or of those in the config; nothing where a file is to be named. */
export async function complete(words: readonly string[]): Promise<readonly string[]> {
  const named = commands.find(({ name }) => words.includes(name));
  if (named === undefined) return commands.map(({ name }) => name);
  const known = [...named.options, ...(named.configured === true ? globalOptions : [])];
  const before = words.at(-2)?.replace(/^--?/, '');
  // With no answer of ours the shell completes file names.
  if (known.some(({ name, alias, value }) => value !== undefined && (name === before || alias === before))) return [];
  const options = [...known.map(({ name }) => (name.length === 1 ? `-${name}` : `--${name}`)), '--help'];
  if (!(named.operands ?? []).some(({ name }) => name === 'relay')) return options;
  try {
    const names = named.configured === true ? await configured(words) : await running();
    return [...names, ...options];
  } catch {
    // No daemon or no config, no names: a completion has nobody to tell.
    return options;
  }
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
