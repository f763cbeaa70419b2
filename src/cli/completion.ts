import { connect } from './connect.ts';
import { commands, globalOptions } from './commands.ts';

/** What the shell may offer next: commands first, then the names of the relays that run; nothing where a file is to be named. */
export async function complete(words: readonly string[]): Promise<readonly string[]> {
  const named = commands.find(({ name }) => words.includes(name));
  if (named === undefined) return commands.map(({ name }) => name);
  const known = [...named.options, ...(named.configured === true ? globalOptions : [])];
  const before = words.at(-2)?.replace(/^--?/, '');
  // With no answer of ours the shell completes file names.
  if (known.some(({ name, alias, value }) => value !== undefined && (name === before || alias === before))) return [];
  const options = [...known.map(({ name }) => (name.length === 1 ? `-${name}` : `--${name}`)), '--help'];
  if (named.relay === undefined || named.relay === 'HOST') return options;
  try {
    const { relays } = await connect().status();
    return [...relays.map(({ name }) => name), ...options];
  } catch {
    // No daemon, no names: a completion has nobody to tell.
    return options;
  }
}
