import { checkConfig, findConfig, formatProblem } from '../core/config/load.ts';
import { faults } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { isSame, placeOf } from './config-place.ts';
import { connect } from './connect.ts';

/** `towline check`: every problem on its own line, as compilers write them; then what each relay would meet on this machine. */
export async function check({ given, terminal }: Called): Promise<number> {
  const json = readFlag(given, 'json');
  const sshConfig = readText(given, 'F');
  const file = findConfig(placeOf(given, terminal));
  await warnOfOther(file, terminal);
  const checked = checkConfig(file, sshConfig === null ? {} : { sshConfig });
  const say = (text: string) => void terminal.say(printable(text));
  if ('problems' in checked) {
    const { problems } = checked;
    if (json) terminal.out(`${JSON.stringify({ file, problems, relays: [] }, null, 2)}\n`);
    else for (const problem of problems) say(formatProblem(problem));
    return faults.CONFIG_INVALID.exit;
  }
  const { rehearse } = await import('./rehearse.ts');
  const relays = await rehearse(checked.config);
  const failed = relays.flatMap(({ fault }) => (fault === null ? [] : [fault]));
  if (json) {
    const shown = relays.map(({ fault, ...rest }) => ({ ...rest, fault: fault?.report() ?? null }));
    terminal.out(`${JSON.stringify({ file, problems: [], relays: shown }, null, 2)}\n`);
    return failed[0]?.entry.exit ?? 0;
  }
  for (const { relay, fault, warnings } of relays) {
    if (fault !== null) say(`${relay}: ${fault.message} [${fault.code}]`);
    for (const warning of new Set(warnings)) say(`${relay}: warning: ${warning}`);
  }
  const count = `${relays.length} ${relays.length === 1 ? 'relay' : 'relays'}`;
  say(failed.length === 0 ? `${file}: well, ${count}` : `${file}: ${failed.length} of ${count} could not start`);
  return failed[0]?.entry.exit ?? 0;
}

/** `towline reload` reads the daemon's file, wherever it is called. */
async function warnOfOther(file: string, terminal: Called['terminal']): Promise<void> {
  // Without a daemon there is no other one.
  const running = await connect()
    .version()
    .catch(() => null);
  if (running === null || isSame(running.config, file)) return;
  const text = `the running daemon (pid ${running.pid}) has another config, ${running.config}: \`towline reload\` reads that one, not ${file}`;
  terminal.err(`towline: warning: ${printable(text)}\n`);
}
