import { homedir } from 'node:os';
import { checkConfig, findConfig, formatProblem } from '../core/config/load.ts';
import { faults } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';

/** `towline check`: every problem on its own line, as compilers write them. */
export async function check({ given, terminal }: Called): Promise<number> {
  const json = readFlag(given, 'json');
  const explicit = readText(given, 'config');
  const sshConfig = readText(given, 'F');
  const file = findConfig({ cwd: process.cwd(), explicit, env: process.env, home: homedir() });
  const checked = checkConfig(file, sshConfig === null ? {} : { sshConfig });
  const problems = 'problems' in checked ? checked.problems : [];
  if (json) {
    terminal.out(`${JSON.stringify({ file, problems }, null, 2)}\n`);
  } else if ('config' in checked) {
    const { length } = checked.config.relays;
    terminal.out(`${printable(file)}: well, ${length} ${length === 1 ? 'relay' : 'relays'}\n`);
  } else {
    for (const problem of problems) terminal.out(`${printable(formatProblem(problem))}\n`);
  }
  return problems.length === 0 ? 0 : faults.CONFIG_INVALID.exit;
}
