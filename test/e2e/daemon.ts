import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClient } from '../../src/control/client.ts';
import type { Word } from '../../src/core/model/state.ts';
import type { DaemonStatus, RelayStatus } from '../../src/core/model/status.ts';
import { homeOf, type RunningCli, startTowline } from '../fixtures/cli.ts';
import type { CommandResult } from '../fixtures/sshd-client.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';

/** The built command, running in the foreground as a user's service would. */
export interface TestDaemon {
  readonly cli: RunningCli;
  status(relay: string): Promise<RelayStatus>;
  /** Waits until the relay's word is this one. */
  reach(relay: string, word: Word, timeout?: number): Promise<RelayStatus>;
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
  // By its socket: a process of `towline status` for each look would keep the cores busy.
  const client = openClient(join(homeOf(t), 'run', 'towline.sock'));
  const all = (): Promise<DaemonStatus | null> => client.status().catch(() => null);
  const find = async (relay: string) => (await all())?.relays.find(({ name }) => name === relay);
  const status = async (relay: string): Promise<RelayStatus> => {
    const found = await find(relay);
    if (found === undefined) throw new Error(`no status of ${relay}`);
    return found;
  };
  await waitUntil('the daemon answers', async () => (await all()) !== null);
  return {
    cli,
    status,
    async reach(relay, word, timeout = 60_000) {
      let last: RelayStatus | undefined;
      await waitUntil(
        `${relay} becomes ${word}`,
        async () => {
          last = await find(relay);
          return last?.standing.word === word;
        },
        { timeout, every: 50 },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; it is ${JSON.stringify(last?.standing)}\n${cli.stdout()}`);
      });
      return status(relay);
    },
    async port(relay, forward = 0) {
      const listen = (await status(relay)).forwards[forward]?.listen;
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
