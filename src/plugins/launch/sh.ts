import { Fault } from '../../plugin.ts';

/** Quotes a text for a POSIX shell. Throws CONFIG_INVALID for a NUL, which no command can carry. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new Fault('CONFIG_INVALID', 'a text for the host has a NUL in it; remove it');
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A script that begins by setting variables. */
export function withVariables(variables: Readonly<Record<string, string>>, script: string): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  return `${lines.join('\n')}\n${script}`;
}
