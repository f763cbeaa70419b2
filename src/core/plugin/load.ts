import { lstat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Builtin, Builtins } from '../model/builtin.ts';
import type { HookDeadlines } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import type { Plugin } from '../model/plugin.ts';
import { isPlugin, pluginTrouble } from '../model/plugin-shape.ts';
import { printable } from '../model/printable.ts';
import { importModule } from './import-module.ts';
import { locate, type Whereabouts } from './locate.ts';

/** A plugin with the options of the relay that uses it. */
export interface Guest {
  readonly name: string;
  readonly plugin: Plugin;
  readonly options: unknown;
  /** Other deadlines than the hooks' own, ms. */
  readonly deadlines?: HookDeadlines;
  /** It is built in, and declared to need the daemon's environment; absent: it gets the scrubbed one. */
  readonly wholeEnvironment?: boolean;
}

/** How a relay uses a plugin: what stands in the config. */
export interface GuestUse extends Whereabouts {
  /** Where the config has it; told with what is wrong with its options. */
  readonly place?: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly deadlines?: HookDeadlines;
}

/**
 * Loads a plugin by built-in name, absolute path (the config has made it so), or package. Throws PLUGIN_NOT_FOUND, PLUGIN_UNTRUSTED for
 * what others can write, PLUGIN_FAILED for one that throws, does not load in time or is no plugin, CONFIG_INVALID for its options.
 */
export async function loadGuest(
  { options, deadlines = {}, place, ...where }: GuestUse,
  builtins: Builtins,
): Promise<Guest> {
  const { use } = where;
  const builtin = builtinOf(use, builtins);
  const value = await importModule(builtin?.url ?? (await urlOf(await locate(where, Object.keys(builtins)))), use);
  if (isPlugin(value))
    return {
      name: value.name,
      plugin: value,
      options: parseOptions(value, options, place),
      deadlines,
      wholeEnvironment: builtin?.wholeEnvironment ?? false,
    };
  throw new Fault('PLUGIN_FAILED', `plugin ${printable(use)} ${pluginTrouble(value)}; see docs/plugins.md`);
}

/** Looks whether a plugin may be loaded, without loading it. Throws PLUGIN_NOT_FOUND, PLUGIN_UNTRUSTED or PLUGIN_FAILED. */
export async function checkGuest(where: Whereabouts, builtins: Builtins): Promise<void> {
  if (builtinOf(where.use, builtins) === undefined) await locate(where, Object.keys(builtins));
}

function builtinOf(use: string, builtins: Builtins): Builtin | undefined {
  return Object.hasOwn(builtins, use) ? builtins[use] : undefined;
}

/** A module that failed to load is remembered under its URL: a mended file needs another one. */
async function urlOf(path: string): Promise<string> {
  const { mtimeMs } = await lstat(path);
  return `${pathToFileURL(path).href}?${mtimeMs}`;
}

function parseOptions(plugin: Plugin, options: GuestUse['options'], place: string | undefined): unknown {
  const name = `${place === undefined ? '' : `${printable(place)}: `}plugin ${printable(plugin.name)}`;
  if (plugin.options === undefined) {
    const keys = Object.keys(options).map((key) => `"${printable(key)}"`);
    if (keys.length === 0) return undefined;
    throw new Fault(
      'CONFIG_INVALID',
      `${name} takes no option ${keys.join(', ')}; remove ${keys.length === 1 ? 'it' : 'them'}`,
    );
  }
  try {
    return plugin.options.parse(options);
  } catch (error) {
    const text = printable(error instanceof Error ? error.message : String(error));
    throw new Fault('CONFIG_INVALID', `${name} refuses its options: ${text}; correct them`, { cause: error });
  }
}
