import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import { type LoadOptions, loadConfig } from './load.ts';

/** A file that was written so lately may not be complete yet, ms. */
const fresh = 1_000;
/** So long nobody must have written it then, ms: editors and shells write a config at once, in one or a few pieces. */
const quiet = 200;
/** A file that is written all the time is not waited for longer, ms. */
const patience = 5_000;
/** How often a file is looked at, ms: two looks, a new worker and a login are to be over in 3 s. Polling sees renames, links and mounts alike. */
const period = 1_000;

/** As `loadConfig`, once nobody writes the file: half of one may be a config too, with fewer relays. */
export async function loadSettled(path: string, options: LoadOptions = {}): Promise<Config> {
  const end = performance.now() + patience;
  for (;;) {
    const before = await stampOf(path);
    if (before.young) await sleep(quiet);
    const load = attempt(() => loadConfig(path, options));
    const after = await stampOf(path);
    if (after.text === before.text) return load();
    if (performance.now() <= end) continue;
    const message = `${path} has been written all the time for ${patience / 1_000} s; try again when it is complete`;
    throw new Fault('CONFIG_UNREADABLE', message, { detail: { path } });
  }
}

/**
 * Calls back when the file is another one than at the look before, and stays so until the next look, which then comes sooner; and once at the
 * beginning, since it may have changed after it was read. Returns the stop.
 */
export function watchConfig(path: string, changed: () => void, every: number = period): () => void {
  let seen: string | null = null;
  let told = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    const { text } = await stampOf(path);
    if (stopped) return;
    const same = text === seen;
    seen = text;
    if (same && !told) changed();
    told = same;
    timer = setTimeout(() => void look(), same ? every : every / 4).unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

interface Stamp {
  readonly text: string;
  readonly young: boolean;
}

/** Absent is a state like any other: between two steps of an editor a file may be away. */
async function stampOf(path: string): Promise<Stamp> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    const age = Date.now() - Math.max(mtimeMs, ctimeMs);
    return { text: `${ino} ${size} ${mtimeMs} ${ctimeMs}`, young: age < fresh };
  } catch {
    return { text: 'absent', young: true };
  }
}

/** What it gives, or throws, when it is asked for it. */
function attempt<Value>(deed: () => Value): () => Value {
  try {
    const value = deed();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
