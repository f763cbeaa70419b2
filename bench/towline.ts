import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Arena } from './arena.ts';
import { MAIN } from '../test/fixtures/main-file.ts';

/** One relay of a config that the bench writes. */
export interface BenchRelay {
  readonly name: string;
  readonly port: number;
  readonly isolation: 'relay' | 'shared';
}

/** A daemon of its own, with its own folders. */
export interface TowlineProcess {
  readonly child: ChildProcess;
  /** What TOWLINE_RUNTIME_DIR was set to. */
  readonly runtimeDir: string;
}

let daemons = 0;

/** Starts the built daemon with relays that all lead to the backend through the host `bench`. */
export function startTowline(arena: Arena, relays: readonly BenchRelay[]): TowlineProcess {
  daemons += 1;
  const dir = join(arena.dir, `towline-${daemons}`);
  const runtimeDir = join(dir, 'run');
  for (const folder of [dir, runtimeDir]) mkdirSync(folder, { mode: 0o700 });
  const config = join(dir, 'towline.json');
  const entries = relays.map(({ name, port, isolation }) => [
    name,
    {
      host: 'bench',
      isolation,
      forwards: [{ listen: `127.0.0.1:${port}`, target: `127.0.0.1:${arena.backend}` }],
    },
  ]);
  writeFileSync(config, JSON.stringify({ relays: Object.fromEntries(entries) }, null, 2), { mode: 0o600 });
  const env = { TOWLINE_RUNTIME_DIR: runtimeDir, XDG_STATE_HOME: join(dir, 'state'), XDG_CONFIG_HOME: dir };
  const args = [MAIN, 'up', '--config', config, '-F', arena.sshConfig];
  return { child: arena.processes.spawn(process.execPath, args, join(dir, 'log'), env), runtimeDir };
}
