import type { Builtins } from '../model/builtin.ts';

/** What code of others may see of the environment: no secrets of other programs, no NODE_OPTIONS. */
const passed = [
  'HOME',
  'USER',
  'LOGNAME',
  'PATH',
  'SHELL',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'XDG_RUNTIME_DIR',
];

/** The part of an environment that plugins, and the processes that they live in, may see. */
export function scrubbedEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && passed.includes(name) ? [[name, value]] : [],
    ),
  );
}

/** What a plugin may see of the daemon's environment: all of it if it is a built-in one that is declared to need it. */
export function environmentFor(use: string, builtins: Builtins, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isTrusted = Object.hasOwn(builtins, use) && builtins[use]?.wholeEnvironment === true;
  return isTrusted ? { ...env } : scrubbedEnvironment(env);
}
