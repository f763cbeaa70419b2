import type { HookDeadlines } from './config.ts';
import { hooksOf, isHookName, hooks as known, pluginApi, pluginKeys, type Side } from './hooks.ts';
import { nearest } from './nearest.ts';
import type { DaemonHooks, Plugin, RelayHooks } from './plugin.ts';
import { printable } from './printable.ts';

/** A plugin's name: what log and status speak of, and what an error begins with. */
const nameRule = /^[\w@][\w@./ -]{0,63}$/;

/** Why a value is no plugin, as the rest of a sentence that begins with its name; null where it is one. */
export function pluginTrouble(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'has no default export that is a plugin: an object with a name and a daemon or relay function';
  }
  const { api, name, options, daemon, relay }: Readonly<Record<string, unknown>> = { ...value };
  // Before its shape: another version may have another one.
  if (api !== undefined && api !== pluginApi) {
    const which =
      typeof api === 'number' && api > pluginApi ? 'update towline' : 'build it with this version of towline';
    return `was written for version ${printable(String(api))} of the plugin interface, and this towline has version ${pluginApi}; ${which}`;
  }
  if (typeof name !== 'string' || !nameRule.test(name)) {
    return 'has no name: a text of at most 64 letters, digits, spaces, - _ . @ /';
  }
  const odd = Object.keys(value).find((key) => !pluginKeys.includes(key));
  if (odd !== undefined) return `has a key "${printable(odd)}" that no plugin has${meant(odd, pluginKeys)}`;
  for (const [key, factory] of Object.entries({ daemon, relay })) {
    if (factory !== undefined && typeof factory !== 'function') return `has a ${key} that is no function`;
  }
  if (daemon === undefined && relay === undefined) return 'has neither a daemon nor a relay function';
  if (options === undefined) return null;
  const parse = typeof options === 'object' && options !== null && 'parse' in options ? options.parse : null;
  return typeof parse === 'function' ? null : 'has options without a parse function';
}

export function isPlugin(value: unknown): value is Plugin {
  return pluginTrouble(value) === null;
}

/** What a factory says of its deadlines, as far as it is understood: a hook with another has the usual one. */
export function ownDeadlines(hooks: DaemonHooks & RelayHooks): HookDeadlines {
  const given: unknown = hooks.deadlines;
  if (typeof given !== 'object' || given === null) return {};
  const sound = Object.entries(given).filter(([name, ms]) => isHookName(name) && Number.isFinite(ms) && Number(ms) > 0);
  return Object.fromEntries(sound);
}

/** Why what a factory returned are no hooks, as the rest of a sentence; null where they are. Nothing at all is no hook. */
export function hooksTrouble(value: unknown, side: Side): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return `returned ${typeof value} from ${side}, not an object with its hooks`;
  const own = hooksOf(side);
  for (const name of keysOf(value, own)) {
    if (name === 'deadlines') continue;
    if (name === 'port' && side === 'relay') {
      if (isPort(Reflect.get(value, name))) continue;
      return 'returned a port from relay that is none: a whole number from 1 to 65535';
    }
    if (isHookName(name) && !known[name].sides.includes(side)) {
      return `returned the hook ${name} from ${side}; it belongs to ${known[name].sides.join(' and ')}`;
    }
    if (!isHookName(name)) {
      return `returned a hook "${printable(name)}" from ${side}, which has none of that name${meant(name, own)}`;
    }
    const hook: unknown = Reflect.get(value, name);
    if (hook !== undefined && typeof hook !== 'function') return `returned a hook ${name} that is no function`;
  }
  return null;
}

function isPort(value: unknown): boolean {
  return value === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535);
}

export function isHooks(value: unknown, side: Side): value is DaemonHooks & RelayHooks {
  return value !== undefined && value !== null && hooksTrouble(value, side) === null;
}

/** The names that a value offers. A class may have its hooks one step up, beside methods of its own. */
function keysOf(value: object, hookNames: readonly string[]): readonly string[] {
  const above: unknown = Object.getPrototypeOf(value);
  if (typeof above !== 'object' || above === null || above === Object.prototype) return Object.keys(value);
  const methods = Object.getOwnPropertyNames(above).filter((name) => name !== 'constructor');
  return [...Object.keys(value), ...methods.filter((name) => isHookName(name) || nearest(name, hookNames) !== null)];
}

function meant(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === null ? `; there are ${words.join(', ')}` : `; did you mean ${near}?`;
}
