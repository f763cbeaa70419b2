import type { DaemonHooks, RelayHooks } from './plugin.ts';

/** The version of the plugin interface. */
export const pluginApi = 1;

/** Where a hook runs, and by which factory it is made. */
export type Side = 'daemon' | 'relay';

/** The name of a hook. */
export type HookName = Exclude<keyof DaemonHooks | keyof RelayHooks, 'deadlines' | 'port'>;

/**
 * What becomes of the answers of several plugins.
 * - `gate`: all must say true.
 * - `provider`: the first one that answers counts.
 * - `waterfall`: each gets what the one before returned.
 * - `observer`: nobody waits.
 */
export type HookKind = 'gate' | 'provider' | 'waterfall' | 'observer';

/** One hook: who makes it, what it is for, and how long it may take, ms. */
export interface Hook {
  readonly sides: readonly Side[];
  readonly kind: HookKind;
  readonly deadline: number;
}

const hook = (kind: HookKind, deadline: number, ...sides: readonly Side[]): Hook => ({ sides, kind, deadline });

/** Every hook. A deadline is the config's where that names one (`deadlines` of the plugin). */
export const hooks: Readonly<Record<HookName, Hook>> = {
  check: hook('gate', 2_000, 'daemon'),
  observe: hook('observer', 10_000, 'daemon', 'relay'),
  identify: hook('provider', 10_000, 'relay'),
  backend: hook('provider', 60_000, 'relay'),
  token: hook('provider', 10_000, 'relay'),
  inspect: hook('observer', 30_000, 'relay'),
  probe: hook('gate', 10_000, 'relay'),
  admit: hook('gate', 2_000, 'relay'),
  wrap: hook('waterfall', 2_000, 'relay'),
};

/** The hooks that a factory of this side may return. */
export function hooksOf(side: Side): readonly HookName[] {
  return hookNames.filter((name) => hooks[name].sides.includes(side));
}

export function isHookName(name: string): name is HookName {
  return Object.hasOwn(hooks, name);
}

export const hookNames: readonly HookName[] = Object.keys(hooks).filter(isHookName);

/** What may stand in the object that a plugin is. */
export const pluginKeys: readonly string[] = ['api', 'name', 'options', 'daemon', 'relay'];

/** In the detail of a plugin's last fault: it is not called any more until its relay begins anew. */
export const leftOut = 'leftOut';
