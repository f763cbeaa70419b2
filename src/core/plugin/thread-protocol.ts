import type { Builtins } from '../model/builtin.ts';
import type { Config, PluginUse } from '../model/config.ts';
import type { Event } from '../model/event.ts';
import type { FaultReport } from '../model/fault.ts';

/** What the thread of a plugin's daemon side is started with. */
export interface ThreadData {
  readonly use: PluginUse;
  readonly builtins: Builtins;
  /** What of the daemon's environment the plugin may see: it can read all of this. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** All that is said to it, in this order: `seat` for a relay, then events or one config, then `dismiss`. */
export type ToThread =
  | { readonly say: 'seat'; readonly relay: string; readonly use: PluginUse; readonly trial: boolean }
  | { readonly say: 'check'; readonly config: Config }
  | { readonly say: 'observe'; readonly event: Event }
  | { readonly say: 'dismiss' };

/** All that it says. */
export type FromThread =
  /** Its module is loaded: what comes now is quick, or its own fault. */
  | { readonly say: 'loaded' }
  /** The answer to `seat`: null where it went well. */
  | { readonly say: 'seated'; readonly fault: FaultReport | null }
  | { readonly say: 'checked'; readonly fault: FaultReport | null }
  /** One event was handed over: it is alive. */
  | { readonly say: 'observed' }
  | { readonly say: 'failed'; readonly plugin: string; readonly fault: FaultReport }
  | { readonly say: 'dismissed' };

/** Whether what came from a thread is one of its words: a plugin may use its channel. */
export function isFromThread(message: unknown): message is FromThread {
  if (typeof message !== 'object' || message === null || !('say' in message)) return false;
  const { say } = message;
  if (say === 'loaded' || say === 'observed' || say === 'dismissed') return true;
  const fault = 'fault' in message ? message.fault : undefined;
  if (say === 'failed') return isReport(fault) && 'plugin' in message && typeof message.plugin === 'string';
  return (say === 'seated' || say === 'checked') && (fault === null || isReport(fault));
}

function isReport(value: unknown): value is FaultReport {
  if (typeof value !== 'object' || value === null) return false;
  return 'code' in value && 'message' in value && typeof value.message === 'string' && 'detail' in value;
}
