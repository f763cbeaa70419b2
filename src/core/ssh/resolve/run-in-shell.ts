import { spawn } from 'node:child_process';
import { ownGroup } from '../process-group.ts';
import { programOf } from '../proxy-program.ts';
import { configFault } from './config-fault.ts';

/** A command that has not ended by then hangs, ms: ssh would wait for ever, a daemon must not. */
const patience = 15_000;

/**
 * Runs the command of a `Match exec` as ssh does, by the user's shell; true when it ends with 0. It ends with this process at the
 * latest. Throws SSH_CONFIG_INVALID.
 */
export function runInShell(
  command: string,
  at: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const shell = env['SHELL'] || '/bin/sh';
    const { child, group } = ownGroup(() =>
      spawn(shell, ['-c', command], { stdio: 'ignore', env: { ...env }, detached: true }),
    );
    const shown = `${at}: the command of Match exec (${programOf(command)})`;
    const timer = setTimeout(() => {
      group?.end();
      reject(configFault(`${shown} did not end within ${patience / 1000} s; make it quicker`));
    }, patience);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(configFault(`${shown} cannot be run by ${shell}; check SHELL`, error));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      group?.release();
      if (code !== null) resolve(code === 0);
      else reject(configFault(`${shown} was ended by ${signal}; correct it`));
    });
  });
}
