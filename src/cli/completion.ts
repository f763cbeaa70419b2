import { connect } from './connect.ts';
import { commands } from './commands.ts';

/** What the shell may offer next: commands first, then the names of the relays that run. */
export async function complete(words: readonly string[]): Promise<readonly string[]> {
  const named = commands.find(({ name }) => words.includes(name));
  if (named === undefined) return commands.map(({ name }) => name);
  const options = named.options.map(({ name }) => `--${name}`);
  if (named.relay === undefined) return options;
  try {
    const { relays } = await connect().status();
    return [...relays.map(({ name }) => name), ...options];
  } catch {
    // No daemon, no names: a completion has nobody to tell.
    return options;
  }
}
