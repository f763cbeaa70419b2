import type { Builtins } from '../../model/builtin.ts';
import type { Config, PluginUse } from '../../model/config.ts';
import type { Event } from '../../model/event.ts';
import type { FaultReport } from '../../model/fault.ts';
import { printable, printableLength } from '../../model/printable.ts';
import { isCode, plainDetail } from '../call.ts';

/** So many bytes, resident or swapped out, end it: some 50 MB are Node's own, and an observer needs a few. */
export const mostMemory = 256 * 1024 * 1024;
/** How often it is weighed, ms. */
export const weighing = 250;

/** All that is said to it, in this order: `begin`, then `seat` for a relay, then events or one config, then `dismiss`. */
export type ToDaemonSide =
  | {
      readonly say: 'begin';
      readonly use: PluginUse;
      readonly builtins: Builtins;
      /** What of the daemon's environment the plugin may see: it can read all of this. */
      readonly env: Readonly<Record<string, string | undefined>>;
    }
  | { readonly say: 'seat'; readonly relay: string; readonly use: PluginUse; readonly trial: boolean }
  | { readonly say: 'check'; readonly config: Config }
  | { readonly say: 'observe'; readonly event: Event }
  | { readonly say: 'dismiss' };

/** All that it says. */
export type FromDaemonSide =
  /** Its module is loaded: what comes now is quick, or its own fault. */
  | { readonly say: 'loaded' }
  /** The answer to `seat`: null where it went well. */
  | { readonly say: 'seated'; readonly fault: FaultReport | null }
  | { readonly say: 'checked'; readonly fault: FaultReport | null }
  /** One event was handed over: it is alive. */
  | { readonly say: 'observed' }
  | { readonly say: 'failed'; readonly plugin: string; readonly fault: FaultReport }
  /** Its resident bytes, where they are more than it may have. */
  | { readonly say: 'bloated'; readonly rss: number }
  | { readonly say: 'dismissed' };

/** No sentence of ours is as long: it names a file and quotes a plugin, each cut before. */
const longest = 8 * printableLength;

/** What came from such a process, built anew from what it must have; null for none of its words: a plugin may use its channel. */
export function readFromDaemonSide(message: unknown): FromDaemonSide | null {
  if (typeof message !== 'object' || message === null || !('say' in message)) return null;
  const { say } = message;
  if (say === 'loaded' || say === 'observed' || say === 'dismissed') return { say };
  if (say === 'bloated') {
    return 'rss' in message && Number.isSafeInteger(message.rss) ? { say, rss: Number(message.rss) } : null;
  }
  const given = 'fault' in message ? message.fault : undefined;
  const fault = reportOf(given);
  if (say === 'failed') {
    if (fault === null || !('plugin' in message) || typeof message.plugin !== 'string') return null;
    return { say, plugin: printable(message.plugin), fault };
  }
  return (say === 'seated' || say === 'checked') && (given === null || fault !== null) ? { say, fault } : null;
}

function reportOf(value: unknown): FaultReport | null {
  if (typeof value !== 'object' || value === null || !('code' in value) || !('message' in value)) return null;
  const { code, message } = value;
  if (typeof code !== 'string' || !isCode(code) || !('detail' in value)) return null;
  if (typeof message !== 'string' || message.length > longest) return null;
  return { code, message, detail: plainDetail(value.detail) };
}
