import { homedir } from 'node:os';
import { findConfig, loadConfig } from '../core/config/load.ts';
import { Fault } from '../core/model/fault.ts';
import { type Arguments, readText } from './arguments.ts';
import { connect } from './connect.ts';

/** The names of the relays: those that run, and those of the config that is named or found. Throws what is wrong with it where none run. */
export async function relayNames(given: Arguments): Promise<readonly string[]> {
  const running = await connect()
    .status()
    .then(
      ({ relays }) => relays.map(({ name }) => name),
      () => null,
    );
  try {
    const explicit = readText(given, 'config');
    const file = findConfig({ cwd: process.cwd(), explicit, env: process.env, home: homedir() });
    return [...new Set([...(running ?? []), ...loadConfig(file).relays.map(({ name }) => name)])];
  } catch (error) {
    if (running === null) throw Fault.from(error);
    return running;
  }
}
