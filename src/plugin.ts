import { pluginApi } from './core/model/hooks.ts';
import type { DaemonHooks, Plugin, PluginContext, RelayHooks } from './core/model/plugin.ts';

export type { Event } from './core/model/event.ts';
export { Fault } from './core/model/fault.ts';
export type { Backend, Recipe, RecipeToken, TokenDoor, TokenWire } from './core/model/backend.ts';
export type {
  BackendCall,
  ClientConnection,
  Credential,
  DaemonHooks,
  Dial,
  LoginHost,
  Plugin,
  PluginContext,
  RelayHooks,
} from './core/model/plugin.ts';
export { chosenPorts } from './core/model/chosen-ports.ts';
export { readDuration } from './core/model/duration.ts';
export { nearest } from './core/model/nearest.ts';
export { printable } from './core/model/printable.ts';
export type { RemoteFacts, RemoteHost, RunEnd, RunOptions } from './core/model/remote.ts';
export { type PatternReading, safeGroupPattern, safePattern } from './core/model/safe-pattern.ts';
export { Secret } from './core/model/secret.ts';
export { pluginConforms, type Samples } from './plugin-conforms.ts';
export { readKeyring } from './core/secrets/keyring.ts';
export { readPrivateFile } from './core/secrets/private-file.ts';
export { runQuietly } from './core/secrets/run-quietly.ts';
export { readTokenText } from './core/secrets/token-text.ts';

/** No other hooks than these: a misspelt one would never be called. */
type Only<Hooks, Given> = Given &
  ([Exclude<keyof Given, keyof Hooks>] extends [never]
    ? unknown
    : { readonly [Name in Exclude<keyof Given, keyof Hooks>]: never });

/** What `definePlugin` takes: a Plugin whose factories return nothing but hooks. */
export interface PluginDefinition<Options, Daemon, Relay> extends Pick<Plugin<Options>, 'name' | 'options'> {
  daemon?(context: PluginContext<Options>): Only<DaemonHooks, Daemon> | Promise<Only<DaemonHooks, Daemon>>;
  relay?(context: PluginContext<Options>): Only<RelayHooks, Relay> | Promise<Only<RelayHooks, Relay>>;
}

/**
 * Types a plugin: write `export default definePlugin({ name, ... })`. It returns its argument, with the version of the interface for which it
 * was written.
 */
export function definePlugin<Options, Daemon extends DaemonHooks = DaemonHooks, Relay extends RelayHooks = RelayHooks>(
  plugin: PluginDefinition<Options, Daemon, Relay>,
): Plugin<Options> {
  return { ...plugin, api: pluginApi };
}
