import type { RelayConfig } from '../core/model/config.ts';

/** A backend that a relay launches. */
export interface Launch {
  /** The name of its state folder on the host. */
  readonly name: string;
  /** Those of the plugin, as they stand in the config. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The backend that a relay launches; null: it launches none. */
export function launchOf({ name, plugins }: Pick<RelayConfig, 'name' | 'plugins'>): Launch | null {
  const launch = plugins.find(({ use }) => use === 'launch');
  if (launch === undefined) return null;
  const { name: own } = launch.options;
  return { name: typeof own === 'string' ? own : name, options: launch.options };
}
