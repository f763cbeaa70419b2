import type { Plugin } from './core/model/plugin.ts';

export type { Event } from './core/model/event.ts';
export { Fault } from './core/model/fault.ts';
export type { Backend, Recipe, RecipeToken, TokenDoor, TokenWire } from './core/model/backend.ts';
export type {
  BackendCall,
  ClientConnection,
  DaemonHooks,
  Dial,
  Plugin,
  PluginContext,
  RelayHooks,
} from './core/model/plugin.ts';
export type { RemoteFacts, RemoteHost, RunEnd, RunOptions } from './core/model/remote.ts';
export { Secret } from './core/model/secret.ts';

/** Types a plugin: write `export default definePlugin({ name, ... })`. It returns its argument. */
export function definePlugin<Options>(plugin: Plugin<Options>): Plugin<Options> {
  return plugin;
}
