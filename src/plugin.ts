import type { Plugin } from './core/model/plugin.ts';

export type { Event } from './core/model/event.ts';
export { Fault } from './core/model/fault.ts';
export type { ClientConnection, DaemonHooks, Plugin, PluginContext, RelayHooks } from './core/model/plugin.ts';

/** Types a plugin: write `export default definePlugin({ name, ... })`. It returns its argument. */
export function definePlugin<Options>(plugin: Plugin<Options>): Plugin<Options> {
  return plugin;
}
