import { readWait } from './await-relays.ts';
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
  const wait = readWait(given);
  if (!readFlag(given, 'detach')) {
    if (wait !== null) {
      throw new Fault(
        'USAGE',
        '--wait goes with --detach: here you see what happens; add --detach, or leave --wait out',
      );
    }
    const { runForeground } = await import('./foreground.ts');
    return runForeground({ config, sshConfig, exitOnFailure, json, terminal });
  }
  if (exitOnFailure || json) {
    const other = json ? '--json' : '--exit-on-failure';
    throw new Fault('USAGE', `--detach and ${other} cannot go together: nobody would wait for it; leave one out`);
  }
  const { detach } = await import('./detach.ts');
  return detach({ config, sshConfig, wait, terminal });
}
