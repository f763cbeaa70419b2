import type { Edit } from '../core/config/edit/edit-relays.ts';
import { changeConfig, type OpenConfig, openConfig } from '../core/config/edit/open-config.ts';
import { placeConfig } from '../core/config/load.ts';
import { isEmpty } from '../core/config/diff.ts';
import { formatChange } from '../control/change-text.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { shellWord } from '../core/model/shell-word.ts';
import type { Arguments } from './arguments.ts';
import { foundFile, isSame, placeOf } from './config-place.ts';
import { connect } from './connect.ts';
import type { Terminal } from './terminal.ts';

/** Opens the config that a command is to change: the named one, or the one that is found. `make`: one may be missing. */
export function openForChange(given: Arguments, make: boolean, terminal: Terminal): OpenConfig {
  const where = placeOf(given, terminal);
  const { file, there } = placeConfig(where);
  if (there || make) return openConfig(file, there, where.home);
  const message = `there is no config file yet; \`towline add\` would make ${file}`;
  throw new Fault('CONFIG_MISSING', message, { detail: { path: file } });
}

/** Changes an opened config. A signal waits until all is done: nothing is left half-written. */
export function change(opened: OpenConfig, edit: Edit): OpenConfig {
  // With a listener the signal does not end the process, and everything in between is synchronous.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const hold = () => undefined;
  for (const signal of signals) process.on(signal, hold);
  try {
    return changeConfig(opened, edit);
  } finally {
    for (const signal of signals) process.off(signal, hold);
  }
}

/**
 * Has the daemon that runs with this file take over a change of it, and says what came of that. `touch`: the relays whose open links may end
 * by it; where others' would, because more has changed in the file, it waits for `towline reload`. Null: no daemon runs.
 */
export async function tellDaemon(file: string, touch: readonly string[]): Promise<string | null> {
  try {
    const client = connect();
    const { config, pid } = await client.version();
    if (!isSame(config, file)) return `a daemon (pid ${pid}) runs with another config, ${printable(config)}`;
    const news = await client.reload(touch);
    // It looks at the file by itself, and may have been quicker.
    if (news.applied && isEmpty(news)) return `the daemon (pid ${pid}) has it already`;
    if (news.applied) return `the daemon (pid ${pid}) has taken it over: ${formatChange(news)}`;
    const links = news.cuts.length === 1 ? 'its link' : 'their links';
    return `the daemon (pid ${pid}) goes on as it was: ${news.cuts.join(', ')} would lose ${links}; \`towline reload\` takes it over`;
  } catch (error) {
    const fault = Fault.from(error);
    if (fault.code === 'NOT_RUNNING') return null;
    if (fault.code.startsWith('CONFIG_')) return `the daemon goes on as it was: ${fault.message} [${fault.code}]`;
    return `whether a daemon runs is not known: ${fault.message}`;
  }
}

/** How to start a daemon with this file. */
export function upCommand(file: string): string {
  const found = foundFile();
  return found !== null && isSame(found, file)
    ? 'towline up --detach'
    : `towline up --detach --config ${shellWord(file)}`;
}
