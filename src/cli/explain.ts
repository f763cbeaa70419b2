import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { dumpHost, explainHost } from '../core/ssh/resolve/explanation.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { drawExplanation, plainExplanation } from './explanation-sheet.ts';
import { resolveOptions } from './resolve-options.ts';
import { readHost } from './read-host.ts';

/** `towline explain HOST`: what ssh_config says of a host and where, and what a relay leaves out of it. */
export async function explain({ given, terminal }: Called): Promise<number> {
  const host = readHost(given, 'host');
  if (host === null) throw new Fault('USAGE', 'name a host: `towline explain HOST`, an alias or [user@]host[:port]');
  const format = readText(given, 'format');
  const options = resolveOptions(readText(given, 'F'));
  if (format !== null && format !== 'ssh') {
    throw new Fault('USAGE', `--format ${printable(format)} is not known; write --format ssh, or --json`);
  }
  if (format === 'ssh') {
    const lines = await dumpHost(host, options);
    terminal.out(lines.map(({ keyword, text }) => `${keyword} ${text}\n`).join(''));
    return 0;
  }
  const explanation = await explainHost(host, options);
  if (readFlag(given, 'json')) terminal.out(`${JSON.stringify(plainExplanation(explanation), null, 2)}\n`);
  else terminal.out(drawExplanation(explanation, { colour: terminal.colour, room: terminal.room, home: options.home }));
  return 0;
}
