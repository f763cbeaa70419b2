import { Fault } from '../core/model/fault.ts';
import { type Arguments, readFlag } from './arguments.ts';
import { copyText } from './clipboard.ts';
import type { Terminal } from './terminal.ts';

/** Gives a secret text to the person: on the clipboard with --copy, else on the terminal; to a program only with --print. */
export async function handOver(text: string, what: string, given: Arguments, terminal: Terminal): Promise<number> {
  if (readFlag(given, 'copy')) {
    const where = await copyText(text, terminal);
    terminal.err(`${what} is on the clipboard (${where})\n`);
    return 0;
  }
  if (process.stdout.isTTY !== true && !readFlag(given, 'print')) {
    const todo = 'add --print if that is meant, or --copy for the clipboard';
    throw new Fault('USAGE', `${what} is not printed where no terminal shows it; ${todo}`);
  }
  terminal.out(`${text}\n`);
  return 0;
}
