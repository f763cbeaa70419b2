import { bundled } from './core/process/own-files.ts';
import type { Builtin, Builtins } from './core/model/builtin.ts';

const builtin = (file: string, wholeEnvironment = false): Builtin => ({
  url: bundled(file).href,
  wholeEnvironment,
});

/** The built-in plugins, for the workers to import. */
export const builtins: Builtins = {
  'same-user': builtin('plugins/same-user'),
  agents: builtin('plugins/agents/agents'),
  launch: builtin('plugins/launch/launch'),
  // It reads a variable by name, runs a command of the user, and asks the keyring over the session's bus.
  token: builtin('plugins/token/token', true),
};
