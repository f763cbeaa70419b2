import type { Builtin, Builtins } from './core/model/builtin.ts';

const builtin = (file: string, wholeEnvironment = false): Builtin => ({
  url: new URL(file, import.meta.url).href,
  wholeEnvironment,
});

/** The built-in plugins, for the workers to import. */
export const builtins: Builtins = {
  'same-user': builtin('./plugins/same-user.js'),
  agents: builtin('./plugins/agents/agents.js'),
  launch: builtin('./plugins/launch/launch.js'),
  // It reads a variable by name, runs a command of the user, and asks the keyring over the session's bus.
  token: builtin('./plugins/token/token.js', true),
};
