import { readVersion } from '../control/version.ts';
import type { Called } from './commands.ts';

/** `towline version` */
export async function version({ terminal }: Called): Promise<number> {
  terminal.out(`${readVersion()}\n`);
  return 0;
}
