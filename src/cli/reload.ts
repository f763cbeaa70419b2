import { formatChange } from '../control/change-text.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { shellWord } from '../core/model/shell-word.ts';
import type { Called } from './commands.ts';
import { foundFile, isSame } from './config-place.ts';
import type { DaemonStatus } from '../core/model/status.ts';
import { connect } from './connect.ts';
import { formatFailure } from './failure.ts';

/** `towline reload`: the daemon reads its config again, or says all that is wrong with it and goes on as it was. */
export async function reload({ terminal }: Called): Promise<number> {
  const client = connect();
  const { pid, config } = await client.version();
  const here = foundFile();
  if (here !== null && !isSame(here, config)) {
    const text = `the daemon reads ${config}, not ${here}, which commands find from this folder; \`towline check --config ${shellWord(config)}\` checks that one`;
    terminal.err(`towline: warning: ${printable(text)}\n`);
  }
  try {
    const news = await client.reload('all');
    const { length } = news.unchanged;
    const rest = length === 0 ? '' : `; ${length} unchanged`;
    const isSame = news.added.length + news.removed.length + news.changed.length === 0;
    // By its own watch it may have been quicker than who asks for it.
    const before = isSame ? takenBefore(await client.status()) : '';
    terminal.say(printable(`the daemon (pid ${pid}) has read ${config} again: ${formatChange(news)}${before}${rest}`));
    return 0;
  } catch (error) {
    const fault = Fault.from(error);
    if (!fault.code.startsWith('CONFIG_')) throw fault;
    terminal.err(formatFailure(fault, process.env['TOWLINE_DEBUG'] === '1'));
    terminal.err(`towline: the daemon (pid ${pid}) is keeping the running configuration\n`);
    return fault.entry.exit;
  }
}

/** What the daemon took over before; empty: nothing, since it started. */
function takenBefore({ taken }: DaemonStatus): string {
  if (taken === null) return '';
  const time = new Date(taken.at);
  const isToday = time.toDateString() === new Date().toDateString();
  const when = isToday ? `at ${time.toLocaleTimeString('sv')}` : `on ${time.toLocaleString('sv')}`;
  return ` since the daemon took the last change over ${when} (${formatChange(taken)})`;
}
