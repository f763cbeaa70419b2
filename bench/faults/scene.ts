import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEcho } from '../../test/fixtures/backend.ts';
import { cliEnv, homeOf, startTowline } from '../../test/fixtures/cli.ts';
import type { Road } from '../../test/fixtures/impairment.ts';
import { freePort } from '../../test/fixtures/port.ts';
import { descendants, signalAll } from '../../test/fixtures/process-tree.ts';
import { startRoads } from '../../test/fixtures/roads.ts';
import { type Sshd, startSshd } from '../../test/fixtures/sshd.ts';
import type { Owner } from '../../test/fixtures/temp.ts';
import { keepOpen } from './witness.ts';

/** One way from a local port to the target: towline, or what people use today. */
export interface Rival {
  readonly name: RivalName;
  readonly port: number;
  /** All that sleeps when its machine sleeps. */
  pids(): number[];
}

export type RivalName = 'towline' | 'ssh in a loop' | 'autossh';

/** One sshd behind one road, and everybody on it. */
export interface FaultScene {
  readonly sshd: Sshd;
  readonly road: Road;
  readonly rivals: readonly Rival[];
}

/** Starts everything; each rival has answered once when this returns. `config` are lines of sshd_config. */
export async function startFaultScene(t: Owner, config: readonly string[]): Promise<FaultScene> {
  const target = await startEcho(t);
  const sshd = await startSshd(t, { config });
  const { sshConfigFile, road } = await startRoads(t, sshd, ['bench']);
  const ports = { towline: await freePort(), loop: await freePort(), autossh: await freePort() };
  const forward = (port: number) => ['-L', `127.0.0.1:${port}:127.0.0.1:${target.port}`, 'bench'];
  const ssh = ['-F', sshConfigFile, '-N', '-o', 'ExitOnForwardFailure=yes'];

  const relays = { bench: { host: 'bench', forwards: [`${ports.towline}:127.0.0.1:${target.port}`] } };
  const file = join(homeOf(t), 'towline.json');
  writeFileSync(file, JSON.stringify({ sshConfig: sshConfigFile, relays }), { mode: 0o600 });
  const cli = startTowline(t, ['up', '--config', file]);
  const loop = start(t, 'sh', ['-c', 'while :; do ssh "$@"; sleep 0.2; done', 'loop', ...ssh, ...forward(ports.loop)]);
  // Its own advice: no monitoring port, keepalives of ssh, and no gate time.
  const alive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];
  const auto = start(t, 'autossh', ['-M', '0', ...ssh, ...alive, ...forward(ports.autossh)]);
  const rivals: Rival[] = [
    { name: 'towline', port: ports.towline, pids: () => treeOf(cli.pid) },
    { name: 'ssh in a loop', port: ports.loop, pids: () => treeOf(loop.pid) },
    { name: 'autossh', port: ports.autossh, pids: () => treeOf(auto.pid) },
  ];
  for (const { port } of rivals) await answered(port);
  return { sshd, road: road.bench, rivals };
}

function start(t: Owner, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore', env: { ...cliEnv(t), AUTOSSH_GATETIME: '0' } });
  t.teardown(() => signalAll(treeOf(child.pid).reverse(), 'SIGKILL'));
  return child;
}

const treeOf = (pid: number | undefined): number[] =>
  pid === undefined ? [] : [pid, ...descendants(pid).map((one) => one.pid)];

async function answered(port: number): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const probe = await keepOpen(port).catch(() => null);
    probe?.close();
    if (probe !== null) return;
    if (performance.now() > end) throw new Error(`nobody answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
