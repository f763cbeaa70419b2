import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
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

/**
 * Loads a plugin by built-in name, or by a path that begins with `./`, `../` or `/` (relative to the config file). Throws
 * PLUGIN_NOT_FOUND, PLUGIN_UNTRUSTED for a file that others can write, PLUGIN_FAILED for one that throws or is no plugin.
 */
export async function loadGuest(
  { use, options }: PluginUse,
  builtins: Readonly<Record<string, string>>,
  base: string,
): Promise<Guest> {
  const builtin = Object.hasOwn(builtins, use) ? builtins[use] : undefined;
  const url = builtin ?? (await trusted(use, base, Object.keys(builtins)));
  const plugin = await load(url, use);
  return { name: plugin.name, plugin, options: parseOptions(plugin, options) };
}

async function trusted(use: string, base: string, names: readonly string[]): Promise<string> {
  if (!use.startsWith('./') && !use.startsWith('../') && !isAbsolute(use)) {
    const known = names.join(', ');
    throw new Fault(
      'PLUGIN_NOT_FOUND',
      `no plugin is called "${printable(use)}"; built-in are: ${known}; a path begins with ./ or /`,
    );
  }
  const path = await realpath(resolve(base, use)).catch((error: unknown) => {
    throw new Fault('PLUGIN_NOT_FOUND', `there is no plugin file "${printable(use)}"; correct the path`, {
      cause: error,
    });
  });
  for (const place of [path, dirname(path)]) {
    const stat = await lstat(place);
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    const sticky = (stat.mode & 0o1000) !== 0 && place !== path;
    if (stat.uid !== 0 && stat.uid !== process.getuid?.()) {
      throw new Fault(
        'PLUGIN_UNTRUSTED',
        `${place} belongs to uid ${stat.uid}, not to you; plugins are code, copy it and own it`,
      );
    }
    if ((stat.mode & 0o022) !== 0 && !sticky) {
      throw new Fault('PLUGIN_UNTRUSTED', `${place} can be written by others (${mode}); chmod go-w ${place}`);
    }
  }
  return pathToFileURL(path).href;
}

async function load(url: string, use: string): Promise<Plugin> {
  let module: unknown;
  try {
    module = await import(url);
  } catch (error) {
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
