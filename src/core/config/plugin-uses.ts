import { dirname } from 'node:path';
import type { HookDeadlines, PluginUse } from '../model/config.ts';
import { absolute } from './absolute.ts';
import { pluginSchema } from './plugin-schema.ts';
import type { ConfigPath } from './problem.ts';

/** A plugin of a relay. */
export interface Using {
  readonly relay: string;
  readonly use: PluginUse;
}

/** Where a plugin stands that is read. */
export interface UsePlace {
  readonly file: string;
  readonly home: string;
  /** Names a path in that file for people. */
  readonly place: (path: ConfigPath) => string;
}

/** A plugin as the file has it, with its paths made absolute. */
export function pluginUse(
  {
    use,
    ...rest
  }: {
    readonly use: string;
    readonly options: PluginUse['options'];
    readonly deadlines: HookDeadlines;
  },
  { file, home, place }: UsePlace,
  path: ConfigPath,
): PluginUse {
  const from = dirname(file);
  return { use: /^(?:\.|~?\/)/.test(use) ? absolute(use, from, home) : use, from, place: place(path), ...rest };
}

/** The plugins of a config that has problems elsewhere: what is wrong with them should be told beside those. */
export function usesOf(written: unknown, where: UsePlace): readonly Using[] {
  return entriesOf(entryOf(written, 'relays')).flatMap(([relay, one]) => {
    const plugins = entryOf(one, 'plugins');
    if (!Array.isArray(plugins)) return [];
    return plugins.flatMap((plugin: unknown, index): Using[] => {
      const parsed = pluginSchema.safeParse(plugin);
      if (!parsed.success) return [];
      return [{ relay, use: pluginUse(parsed.data, where, ['relays', relay, 'plugins', index]) }];
    });
  });
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function entryOf(value: unknown, key: string): unknown {
  return entriesOf(value).find(([name]) => name === key)?.[1];
}
