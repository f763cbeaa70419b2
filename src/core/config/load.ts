import { lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Config } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import { readSafely } from './file.ts';
import { absolute } from './absolute.ts';
import { type Checked, parseConfig } from './parse.ts';
import { formatProblem, type Problem } from './problem.ts';
import { localPlaces, present, search, userPlaces } from './search.ts';

export type { Checked } from './parse.ts';
export { formatProblem, type Problem } from './problem.ts';

/** Where to look for a config file. */
export interface Whereabouts {
  readonly cwd: string;
  /** What the user named (`--config`); null: search. */
  readonly explicit: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** Finds the config file: the named one, else in the current folder, else in the XDG config folder. Throws a CONFIG_* fault. */
export function findConfig({ cwd, explicit, env, home }: Whereabouts): string {
  if (explicit !== null) {
    const path = absolute(explicit, cwd, home);
    // That it is not there matters more than its ending.
    readSafely(path, home);
    checkEnding(path);
    return path;
  }
  const xdg = userFolder(env, home);
  const found = search(resolve(cwd), localPlaces, home) ?? search(xdg, userPlaces, home);
  if (found !== null) return found;
  const message = `no config file in ${resolve(cwd)} (${localPlaces.join(', ')}) or ${xdg} (${userPlaces.join(', ')})`;
  throw new Fault('CONFIG_MISSING', `${message}; \`towline add\` makes one, or name a file with --config`);
}

/** All config files of the folder where the search ends: the first one is read, the others are not. Empty where one is named. */
export function rivalConfigs({ cwd, explicit, env, home }: Whereabouts): readonly string[] {
  if (explicit !== null) return [];
  const here = present(resolve(cwd), localPlaces);
  return here.length > 0 ? here : present(userFolder(env, home), userPlaces);
}

/** Where a config file is, or where one is to be made: the named path, else the user's own, which is found from every folder. */
export function placeConfig(where: Whereabouts): { readonly file: string; readonly there: boolean } {
  try {
    return { file: findConfig(where), there: true };
  } catch (error) {
    const { cwd, explicit, env, home } = where;
    const file = explicit === null ? join(userFolder(env, home), userPlaces[0] ?? '') : absolute(explicit, cwd, home);
    // A link to nothing has the name already, also one that the search came upon.
    if (!(error instanceof Fault) || error.code !== 'CONFIG_MISSING' || isLink(error.detail['path'])) throw error;
    checkEnding(file);
    return { file, there: false };
  }
}

function isLink(path: string | number | undefined): boolean {
  return typeof path === 'string' && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function userFolder(env: Whereabouts['env'], home: string): string {
  const given = env['XDG_CONFIG_HOME'] ?? '';
  // The XDG specification says that a relative path there is to be ignored.
  return join(isAbsolute(given) ? given : join(home, '.config'), 'towline');
}

function checkEnding(path: string): void {
  if (/\.(?:json|yaml|yml)$/.test(path)) return;
  const message = `${path} is neither .json nor .yaml; a config is data, and its name says which language it is in`;
  throw new Fault('CONFIG_UNREADABLE', message, { detail: { path } });
}

/** What may stand beside the file. */
export interface LoadOptions {
  /** Takes the place of `sshConfig` in the file, as `ssh -F` does; relative to the current folder. */
  readonly sshConfig?: string;
  /** What `~` means; the user's home folder unless given. */
  readonly home?: string;
  /** Whether problems name the file by its whole path: whoever reads them may be in another folder. */
  readonly wholePath?: boolean;
}

/** Reads a config file and says all that is wrong with it. Throws only if the file cannot, or must not, be read. */
export function checkConfig(path: string, options: LoadOptions = {}): Checked {
  const home = options.home ?? homedir();
  const file = resolve(path);
  checkEnding(file);
  const checked = parseConfig(readSafely(file, home), file, home);
  if (options.sshConfig === undefined || 'problems' in checked) return checked;
  return { config: { ...checked.config, sshConfig: absolute(options.sshConfig, process.cwd(), home) } };
}

/** Most problems that are written out in a fault; `checkConfig` has them all. */
const mostShown = 50;

/** Reads a config file. Throws one fault: CONFIG_INVALID names the first problem, and its detail has the others. */
export function loadConfig(path: string, options: LoadOptions = {}): Config {
  const checked = checkConfig(path, options);
  if ('config' in checked) return checked.config;
  throw invalidConfig(checked.problems, options.wholePath === true ? null : process.cwd());
}

/** The fault that stands for all problems of a config. Paths under `from` are shown short; null: none is. */
export function invalidConfig(problems: readonly Problem[], from: string | null = process.cwd()): Fault {
  const lines = problems.slice(0, mostShown).map((problem) => formatProblem(problem, from));
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new Fault('CONFIG_INVALID', `${lines[0] ?? 'the config has problems'}${more}`, {
    detail: { count: problems.length, problems: lines.join('\n') },
  });
}
