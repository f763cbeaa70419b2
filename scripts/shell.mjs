import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

// Debian keeps sshd, dockerd and debootstrap where a plain user's PATH does not look.
const PATH = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':');

/** A failure that the reader can cure: its message is the whole of what is printed. */
export class Missing extends Error {}

/** Runs a command without a shell and never throws: `ok`, exit code and what it printed. */
export function run(command, args, options = {}) {
  const { env, ...rest } = options;
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH, ...env },
    ...rest,
  });
  const stderr = result.error === undefined ? result.stderr : `${result.stderr ?? ''}${result.error.message}`;
  return { ok: result.status === 0, code: result.status, stdout: result.stdout ?? '', stderr: stderr ?? '' };
}

/** The full path of a program, or undefined where there is none. */
export function which(name) {
  for (const folder of PATH.split(':')) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder: the next one is asked
    }
  }
  return undefined;
}

/** Runs a command as root: as it is for root, by `sudo -n` for others; says `why` where neither is possible. */
export function runAsRoot(command, args, why, options = {}) {
  const result =
    process.getuid?.() === 0 ? run(command, args, options) : run('sudo', ['-n', command, ...args], options);
  if (!result.ok) throw new Missing(`${why}: ${lastLine(result.stderr) || `${command} ended with ${result.code}`}`);
  return result;
}

/** The last line of a text that says anything. */
export function lastLine(text) {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
