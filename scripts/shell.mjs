import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

// Debian keeps sshd, dockerd and debootstrap where a plain user's PATH does not look.
const PATH = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':');

/** A failure that the reader can cure: its message is the whole of what is printed. */
export class Missing extends Error {}

/** Runs a command without a shell and never rejects: `ok`, exit code and what it printed. */
export function run(command, args, { env, input, timeout } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { timeout, env: { ...process.env, PATH, ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', (error) => resolve({ ok: false, code: null, stdout, stderr: `${stderr}${error.message}` }));
    child.on('close', (code) => resolve({ ok: code === 0, code, stdout, stderr }));
    // who ends before it has read all says so by its exit code
    child.stdin.on('error', () => undefined).end(input);
  });
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
export async function runAsRoot(command, args, why, options = {}) {
  const full = process.getuid?.() === 0 ? [command, ...args] : ['sudo', '-n', command, ...args];
  const result = await run(full[0], full.slice(1), options);
  if (!result.ok) throw new Missing(`${why}: ${lastLine(result.stderr) || `${command} ended with ${result.code}`}`);
  return result;
}

/** The last line of a text that says anything. */
export function lastLine(text) {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
