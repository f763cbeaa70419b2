import { Fault } from '../../model/fault.ts';
import type { ConfigLine } from './config-line.ts';

/** What is wrong with a line of ssh_config, with its place: `file:line: keyword text`. */
export function lineFault(line: Pick<ConfigLine, 'at' | 'keyword'>, text: string): Fault {
  return new Fault('SSH_CONFIG_INVALID', `${line.at}: ${line.keyword} ${text}`);
}

/** A command in somebody else's hands: ssh would run that of `-F` and of the system's file. */
export function untrustedFault(at: string): Fault {
  return configFault(
    `${at}: a command in a file that others may write is not run; \`chmod go-w\` it and make it yours`,
  );
}

/** What is wrong at a place, or in general. */
export function configFault(text: string, cause?: unknown): Fault {
  return new Fault('SSH_CONFIG_INVALID', text, { cause });
}
