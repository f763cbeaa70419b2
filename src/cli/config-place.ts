import { homedir } from 'node:os';
import { rivalConfigs, type Whereabouts } from '../core/config/load.ts';
import { printable } from '../core/model/printable.ts';
import { type Arguments, readText } from './arguments.ts';
import type { Terminal } from './terminal.ts';

/** Where a command looks for its config. Of several in one folder it says on stderr which one it is that counts. */
export function placeOf(given: Arguments, terminal: Pick<Terminal, 'err'>): Whereabouts {
  const where = { cwd: process.cwd(), explicit: readText(given, 'config'), env: process.env, home: homedir() };
  const [read, ...others] = rivalConfigs(where).map((file) => printable(file));
  if (read !== undefined && others.length > 0) {
    const text = `${read} is read, and ${others.join(', ')} beside it is not; keep one, or name one with --config`;
    terminal.err(`towline: warning: ${text}\n`);
  }
  return where;
}
