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
