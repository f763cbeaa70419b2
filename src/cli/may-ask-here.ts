import { readFileSync } from 'node:fs';

/** Whether a person sits before this process: both ends are a terminal, and we are not in its background, where reading would stop us. */
export function mayAskHere(): boolean {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return false;
  try {
    // proc(5): after the name in parentheses stand state, parent, group, session, terminal and the terminal's foreground group.
    const fields = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[2] === fields[5];
  } catch {
    // Only Linux says so.
    return true;
  }
}
