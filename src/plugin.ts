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
export { nearest } from './core/model/nearest.ts';
export { printable } from './core/model/printable.ts';
export type { RemoteFacts, RemoteHost, RunEnd, RunOptions } from './core/model/remote.ts';
export { type PatternReading, safePattern } from './core/model/safe-pattern.ts';
export { Secret } from './core/model/secret.ts';
export { readKeyring } from './core/secrets/keyring.ts';
export { readPrivateFile } from './core/secrets/private-file.ts';
export { runQuietly } from './core/secrets/run-quietly.ts';
export { readTokenText } from './core/secrets/token-text.ts';

/** Types a plugin: write `export default definePlugin({ name, ... })`. It returns its argument. */
export function definePlugin<Options>(plugin: Plugin<Options>): Plugin<Options> {
  return plugin;
}
