import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClient, type ControlClient } from '../../src/control/client.ts';
import type { Event } from '../../src/core/model/event.ts';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { writeConfig } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { homeOf, startTowline, type RunningCli } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import type { Road } from '../fixtures/impairment.ts';
import { descendants, descriptorsOf, residentSize } from '../fixtures/process-tree.ts';
import { startRoads } from '../fixtures/roads.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import type { Sizes } from './sizes.ts';

/** A host: a real sshd, and the road that leads to it. */
export interface Host {
  readonly sshd: Sshd;
  readonly road: Road;
}

/** A relay as the soak uses it. */
export interface SoakRelay {
  readonly name: string;
  readonly host: number;
  readonly kind: 'local' | 'remote' | 'dynamic';
  /** Where its clients connect. */
  readonly port: number;
}

/** Everything that a soak runs: hosts, relays, a target that sends back what it is sent. */
export interface World {
  readonly hosts: readonly Host[];
  readonly relays: readonly SoakRelay[];
  readonly target: number;
  readonly cli: RunningCli;
  readonly client: ControlClient;
  status(): Promise<readonly RelayStatus[]>;
  /** What must not grow, of the daemon and all that it started. */
  sizes(): Sizes;
  /** What happened, since before the first relay was up; it ends with the daemon. */
  follow(listener: (event: Event) => void): Promise<void>;
}

const hostCount = 4;
export const relayCount = 20;

/** Starts all of it; returns when each relay is connected. */
export async function startWorld(t: Owner, seed: number): Promise<World> {
  const target = await startEcho(t);
  const hosts: Host[] = [];
  const names = Array.from({ length: hostCount }, (_, index) => `h${index}`);
  let config = '';
  for (const [index, name] of names.entries()) {
    const sshd = await startSshd(t, { config: ['MaxSessions 200'] });
    const { sshConfigFile, road } = await startRoads(t, sshd, [name], seed + index);
    const own = road[name];
    if (own === undefined) throw new Error('a road is missing');
    hosts.push({ sshd, road: own });
    config += readFileSync(sshConfigFile, 'utf8');
  }
  const sshConfigFile = join(homeOf(t), 'ssh_config');
  writeFileSync(sshConfigFile, config, { mode: 0o600 });

  const relays: SoakRelay[] = [];
  const written: Record<string, object> = {};
  for (let index = 0; index < relayCount; index += 1) {
    const kind = index % 5 === 3 ? 'dynamic' : index % 5 === 4 ? 'remote' : 'local';
    const port = await freePort();
    const forward =
      kind === 'local'
        ? `${port}:127.0.0.1:${target.port}`
        : kind === 'dynamic'
          ? `dynamic:${port}`
          : `remote:${port}:127.0.0.1:${target.port}`;
    relays.push({ name: `r${index}`, host: index % hostCount, kind, port });
    written[`r${index}`] = {
      host: `h${index % hostCount}`,
      forwards: [forward],
      keepalive: { interval: '1s', count: 3 },
      hold: { time: '20s', connections: 512 },
      settle: '5s',
      ...(index % 3 === 0 ? { isolation: 'shared' } : index === 10 ? { lanes: 2 } : {}),
    };
  }
  const cli = startTowline(t, ['up', '--config', writeConfig(t, { sshConfigFile }, written)]);
  const client = openClient(join(homeOf(t), 'run', 'towline.sock'));
  const status = async () => (await client.status()).relays;
  let seen: readonly RelayStatus[] = [];
  const look = async () => {
    seen = await status().catch(() => []);
    return allConnected(seen);
  };
  const howFar = () => `every relay is connected; ${seen.length === 0 ? cli.stderr() : notConnected(seen)}`;
  await waitUntil(howFar, look, { timeout: 60_000, every: 200 });
  const end = new AbortController();
  t.teardown(() => end.abort());
  const pids = () => [cli.pid, ...descendants(cli.pid).map(({ pid }) => pid)];
  return {
    hosts,
    relays,
    target: target.port,
    cli,
    client,
    status,
    sizes: () => ({
      at: Date.now(),
      rss: pids().reduce((sum, pid) => sum + residentSize(pid), 0),
      descriptors: pids().reduce((sum, pid) => sum + descriptorsOf(pid), 0),
      own: descriptorsOf(cli.pid),
      processes: pids().length,
    }),
    async follow(listener) {
      for await (const event of client.events(0, end.signal)) listener(event);
    },
  };
}

const notConnected = (relays: readonly RelayStatus[]): string =>
  relays
    .filter(({ standing }) => standing.word !== 'connected')
    .map(({ name, standing }) => `${name} is ${standing.word}: ${standing.reason}`)
    .join('; ');

export function allConnected(relays: readonly RelayStatus[]): boolean {
  return relays.length > 0 && relays.every(({ standing }) => standing.word === 'connected');
}
