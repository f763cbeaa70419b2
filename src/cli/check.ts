import { checkConfig, findConfig, formatProblem, type Problem } from '../core/config/load.ts';
import { faults } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import { checkUses, type GuestCheck } from '../core/plugin/check-config.ts';
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
  const { asking, rehearse } = await import('./rehearse.ts');
  if ('problems' in checked) {
    const guests = await checkUses(checked.using, null, asking());
    const all = [...checked.problems, ...guests.flatMap((guest) => guestProblem(guest, file))];
    const problems = all.sort((one, other) => one.line - other.line || one.column - other.column);
    if (json) terminal.out(`${JSON.stringify({ file, problems, relays: [] }, null, 2)}\n`);
    else for (const problem of problems) say(formatProblem(problem));
    return faults.CONFIG_INVALID.exit;
  }
  const relays = await rehearse(checked.config);
  const failed = relays.flatMap(({ fault }) => (fault === null ? [] : [fault]));
  if (json) {
    const shown = relays.map(({ guests, ...rest }) => ({
      ...rest,
      fault: rest.fault?.report() ?? null,
      faults: rest.faults.map((fault) => fault.report()),
    }));
    terminal.out(`${JSON.stringify({ file, problems: [], relays: shown }, null, 2)}\n`);
    return failed[0]?.entry.exit ?? 0;
  }
  for (const { relay, faults: met, guests, warnings } of relays) {
    for (const fault of met) {
      const guest = guests.find((one) => one.fault === fault);
      const [problem] = guest === undefined ? [] : guestProblem(guest, file);
      say(`${problem === undefined ? `${relay}: ${fault.message}` : formatProblem(problem)} [${fault.code}]`);
    }
    for (const warning of new Set(warnings)) say(`${relay}: warning: ${warning}`);
  }
  const count = `${relays.length} ${relays.length === 1 ? 'relay' : 'relays'}`;
  say(failed.length === 0 ? `${file}: well, ${count}` : `${file}: ${failed.length} of ${count} could not start`);
  return failed[0]?.entry.exit ?? 0;
}

/** What is wrong with a plugin, as a problem of the line that uses it; none where nobody knows that. */
function guestProblem({ place, fault }: GuestCheck, file: string): readonly Problem[] {
  const [, line, column, path] = /:(\d+):(\d+) (.*)$/s.exec(place ?? '') ?? [];
  if (place === null || path === undefined) return [];
  const text = fault.message.startsWith(`${place}: `) ? fault.message.slice(place.length + 2) : fault.message;
  return [{ file, line: Number(line), column: Number(column), path, message: text }];
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
