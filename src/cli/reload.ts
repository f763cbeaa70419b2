import { formatChange } from '../control/change-text.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { shellWord } from '../core/model/shell-word.ts';
import type { Called } from './commands.ts';
import { foundFile, isSame } from './config-place.ts';
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
    terminal.say(printable(`the daemon (pid ${pid}) has read ${config} again: ${formatChange(news)}${rest}`));
    return 0;
  } catch (error) {
    const fault = Fault.from(error);
    if (!fault.code.startsWith('CONFIG_')) throw fault;
    terminal.err(formatFailure(fault, process.env['TOWLINE_DEBUG'] === '1'));
    terminal.err(`towline: the daemon (pid ${pid}) is keeping the running configuration\n`);
    return fault.entry.exit;
  }
}
