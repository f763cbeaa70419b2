import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { placeConfig, rivalConfigs, type Whereabouts } from '../core/config/load.ts';
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

/** The file that a command without `--config` uses here. */
export function foundFile(): string | null {
  try {
    const { file, there } = placeConfig({ cwd: process.cwd(), explicit: null, env: process.env, home: homedir() });
    return there ? file : null;
  } catch {
    // It was named, and another one that cannot be used is found first.
    return null;
  }
}

/** Whether two paths lead to one file. */
export function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    // One of them is gone.
    return one === other;
  }
}
