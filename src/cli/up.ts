import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { placeOf } from './config-place.ts';
import { Fault } from '../core/model/fault.ts';

/** `towline up`: here, or in the background. */
export async function up({ given, terminal }: Called): Promise<number> {
  const config = placeOf(given, terminal).explicit;
  const sshConfig = readText(given, 'F');
  const exitOnFailure = readFlag(given, 'exit-on-failure');
  const json = readFlag(given, 'json');
  if (!readFlag(given, 'detach')) {
    const { runForeground } = await import('./foreground.ts');
    return runForeground({ config, sshConfig, exitOnFailure, json, terminal });
  }
  if (exitOnFailure || json) {
    const other = json ? '--json' : '--exit-on-failure';
    throw new Fault('USAGE', `--detach and ${other} cannot go together: nobody would wait for it; leave one out`);
  }
  const { detach } = await import('./detach.ts');
  return detach({ config, sshConfig, terminal });
}
