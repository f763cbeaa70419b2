import { isDeepStrictEqual } from 'node:util';
import type { Config, RelayConfig } from '../model/config.ts';

/** What another config means for the relays that run. Names are in the order of the files. */
export interface ConfigDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly RelayChange[];
  readonly unchanged: readonly string[];
}

/** A relay that stands in both configs, and not alike. */
export interface RelayChange {
  readonly name: string;
  /** The keys that differ; `sshConfig`, which is not the relay's own, concerns each of them. */
  readonly keys: readonly (keyof RelayConfig | 'sshConfig')[];
  /** Whether links and workers must begin anew. */
  readonly anew: boolean;
  /** Whether open links end: they begin anew, or `start` has become false. */
  readonly ends: boolean;
}

/** The keys that count at once, for whoever comes: whoever reads them is told, and no link ends. */
const live: readonly RelayChange['keys'][number][] = ['start', 'hold', 'connections', 'memory'];

/** Compares what runs with what is to run. Pure. */
export function diffConfigs(before: Config, after: Config): ConfigDiff {
  const old = new Map(before.relays.map((relay) => [relay.name, relay]));
  const fresh = new Set(after.relays.map(({ name }) => name));
  const moved = before.sshConfig !== after.sshConfig;
  const pairs = after.relays.flatMap((relay) => {
    const was = old.get(relay.name);
    return was === undefined ? [] : [changeOf(was, relay, moved)];
  });
  return {
    added: after.relays.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    removed: before.relays.filter(({ name }) => !fresh.has(name)).map(({ name }) => name),
    changed: pairs.filter(({ keys }) => keys.length > 0),
    unchanged: pairs.filter(({ keys }) => keys.length === 0).map(({ name }) => name),
  };
}

/** True where nothing differs. */
export function isEmpty({
  added,
  removed,
  changed,
}: Readonly<Record<'added' | 'removed' | 'changed', readonly unknown[]>>): boolean {
  return added.length + removed.length + changed.length === 0;
}

function changeOf(before: RelayConfig, after: RelayConfig, moved: boolean): RelayChange {
  const own = keysOf(after).filter((key) => !isDeepStrictEqual(partOf(before, key), partOf(after, key)));
  const keys = [...own, ...(moved ? (['sshConfig'] as const) : [])];
  const anew = keys.some((key) => !live.includes(key));
  return { name: after.name, keys, anew, ends: anew || (before.start && !after.start) };
}

/** A plugin that stands in another line is the same. */
function partOf(relay: RelayConfig, key: keyof RelayConfig): unknown {
  return key === 'plugins' ? relay.plugins.map(({ place: _place, ...use }) => use) : relay[key];
}

/** Parsing fills each key of every relay: those of one are those of all. */
function keysOf(relay: RelayConfig): readonly (keyof RelayConfig)[] {
  return Object.keys(relay).filter((key): key is keyof RelayConfig => key in relay);
}
