import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { homeOf, type RunningCli, startTowline } from '../fixtures/cli.ts';
import { type DaemonClient, daemonClient } from '../fixtures/daemon-client.ts';
import type { CommandResult } from '../fixtures/sshd-client.ts';
import type { Owner } from '../fixtures/temp.ts';

/** The built command, running in the foreground as a user's service would. */
export interface TestDaemon extends DaemonClient {
  readonly cli: RunningCli;
  port(relay: string, forward?: number): Promise<number>;
}

/** Writes a config file in which the host `test` is this one. */
export function writeConfig(t: Owner, host: { readonly sshConfigFile: string }, relays: object): string {
  const file = join(homeOf(t), 'towline.json');
  writeFileSync(file, JSON.stringify({ sshConfig: host.sshConfigFile, relays }), { mode: 0o600 });
  return file;
}

/** Runs `towline up` on such a config. */
export async function startDaemon(
  t: Owner,
  host: { readonly sshConfigFile: string },
  relays: object,
): Promise<TestDaemon> {
  const cli = startTowline(t, ['up', '--config', writeConfig(t, host, relays)]);
  const daemon = daemonClient(t);
  await daemon.answers();
  return {
    ...daemon,
    cli,
    reach: (relay, word, timeout) =>
      daemon.reach(relay, word, timeout).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${cli.stdout()}`);
      }),
    async port(relay, forward = 0) {
      const listen = (await daemon.status(relay)).forwards[forward]?.listen;
      if (listen?.kind !== 'tcp') throw new Error(`forward ${forward} of ${relay} has no port`);
      return listen.port;
    },
  };
}

/** Runs a program to its end; a shell is not involved. */
export function run(program: string, args: readonly string[], timeout = 30_000): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout, maxBuffer: 512 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}
