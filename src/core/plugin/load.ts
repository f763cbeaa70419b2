import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PluginUse } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import type { Plugin } from '../model/plugin.ts';
import { printable } from '../model/printable.ts';

/** A plugin with the options of the relay that uses it. */
export interface Guest {
  readonly name: string;
  readonly plugin: Plugin;
  readonly options: unknown;
}

/** How long a module may take to load, ms: one that waits for ever at its top level must not hold a relay's start. */
const deadline = 10_000;

/**
 * Loads a plugin by built-in name or absolute path (the config has made it so). Throws PLUGIN_NOT_FOUND, PLUGIN_UNTRUSTED for a
 * file that others can write, PLUGIN_FAILED for one that throws, does not load in time or is no plugin.
 */
export async function loadGuest(
  { use, options }: PluginUse,
  builtins: Readonly<Record<string, string>>,
): Promise<Guest> {
  const builtin = Object.hasOwn(builtins, use) ? builtins[use] : undefined;
  const url = builtin ?? (await trusted(use, Object.keys(builtins)));
  const plugin = await load(url, use);
  return { name: plugin.name, plugin, options: parseOptions(plugin, options) };
}

/** Looks whether a plugin may be loaded, without loading it. Throws PLUGIN_NOT_FOUND or PLUGIN_UNTRUSTED. */
export async function checkGuest(use: string, builtins: Readonly<Record<string, string>>): Promise<void> {
  if (!Object.hasOwn(builtins, use)) await trusted(use, Object.keys(builtins));
}

async function trusted(use: string, names: readonly string[]): Promise<string> {
  if (!isAbsolute(use)) {
    const known = names.join(', ');
    throw new Fault(
      'PLUGIN_NOT_FOUND',
      `no plugin is called "${printable(use)}"; built-in are: ${known}; a path begins with ./ or /`,
    );
  }
  const path = await realpath(use).catch((error: unknown) => {
    throw new Fault('PLUGIN_NOT_FOUND', `there is no plugin file "${printable(use)}"; correct the path`, {
      cause: error,
    });
  });
  for (const place of [path, dirname(path)]) await checkPlace(place, place === path);
  // A module that failed to load is remembered under its URL: a mended file needs another one.
  const { mtimeMs } = await lstat(path);
  return `${pathToFileURL(path).href}?${mtimeMs}`;
}

async function checkPlace(place: string, isFile: boolean): Promise<void> {
  const stat = await lstat(place);
  if (stat.uid !== 0 && stat.uid !== process.getuid?.()) {
    const text = `${place} belongs to uid ${stat.uid}, not to you; plugins are code, copy it and own it`;
    throw new Fault('PLUGIN_UNTRUSTED', text);
  }
  const sticky = (stat.mode & 0o1000) !== 0 && !isFile;
  if ((stat.mode & 0o022) === 0 || sticky) return;
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
  throw new Fault('PLUGIN_UNTRUSTED', `${place} can be written by others (${mode}); chmod go-w ${place}`);
}

async function load(url: string, use: string): Promise<Plugin> {
  let module: unknown;
  try {
    module = await inTime(import(url), use);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const text = printable(error instanceof Error ? error.message : String(error));
    throw new Fault('PLUGIN_FAILED', `plugin ${use} cannot be loaded from ${fileURLToPath(url)}: ${text}; mend it`, {
      cause: error,
    });
  }
  const plugin = typeof module === 'object' && module !== null && 'default' in module ? module.default : null;
  if (isPlugin(plugin)) return plugin;
  const text = `plugin ${use} has no default export with a name and a daemon or relay function; see "Plugins" in the README`;
  throw new Fault('PLUGIN_FAILED', text);
}

async function inTime<T>(loading: Promise<T>, use: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = `plugin ${use} did not load within ${deadline / 1000} s; look at what its top level waits for`;
      reject(new Fault('PLUGIN_FAILED', text));
    }, deadline);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') return false;
  const daemon = 'daemon' in value ? value.daemon : undefined;
  const relay = 'relay' in value ? value.relay : undefined;
  return typeof daemon === 'function' || typeof relay === 'function';
}

function parseOptions(plugin: Plugin, options: Readonly<Record<string, unknown>>): unknown {
  if (plugin.options === undefined) {
    const [key] = Object.keys(options);
    if (key === undefined) return undefined;
    throw new Fault('CONFIG_INVALID', `plugin ${plugin.name} takes no option "${printable(key)}"; remove it`);
  }
  try {
    return plugin.options.parse(options);
  } catch (error) {
    const text = printable(error instanceof Error ? error.message : String(error));
    throw new Fault('CONFIG_INVALID', `plugin ${plugin.name} refuses its options: ${text}; correct them`, {
      cause: error,
    });
  }
}
