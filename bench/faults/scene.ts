import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Backend, startEcho } from '../../test/fixtures/backend.ts';
import { cliEnv, homeOf, startTowline } from '../../test/fixtures/cli.ts';
import type { Direction, Road } from '../../test/fixtures/impairment.ts';
import { freePort } from '../../test/fixtures/port.ts';
import { commandOf, descendants, type ProcessFacts, signalAll } from '../../test/fixtures/process-tree.ts';
import { startRoads } from '../../test/fixtures/roads.ts';
import { type Sshd, startSshd } from '../../test/fixtures/sshd.ts';
import type { Owner } from '../../test/fixtures/temp.ts';
import type { Toxic } from '../../test/fixtures/toxics.ts';
import { heedTowline, heedTunnel, type Notice } from './notice.ts';
import { keepOpen } from './witness.ts';

export const rivalNames = ['towline', 'ssh in a loop', 'autossh'] as const;
const hosts = ['towline', 'loop', 'autossh'] as const;
export type RivalName = (typeof rivalNames)[number];

/** One way from a local port to the target: towline, or what people use today. */
export interface Rival {
  readonly name: RivalName;
  readonly port: number;
  /** Who started it all: the daemon, the loop, autossh. */
  readonly main: number;
  /** All that sleeps when its machine sleeps. */
  pids(): number[];
  /** Who forwards: a worker, an ssh. */
  forwarders(): number[];
  /** Listens for the moment in which it knows that something is wrong. */
  notice(): Promise<Notice>;
  /** Its own road: how often it knocked at the server. */
  readonly road: Road;
}

/** One sshd, a road to it for each rival, and everybody on them. */
export interface FaultScene {
  /** Where the roads lead: the host, or the jump host before it. */
  readonly sshd: Sshd;
  /** Where everybody's bytes go: an echo. */
  readonly target: Backend;
  readonly rivals: readonly Rival[];
  /** Does the same on every road; what comes back takes it off. */
  add(toxic: Toxic, direction?: Direction): () => void;
  each(deed: (road: Road) => unknown): Promise<void>;
}

/** What a row may ask of its scene: lines of sshd_config, a name for the host instead of an address, a jump host on the roads. */
export interface Setting {
  readonly config?: readonly string[];
  readonly hostName?: string;
  readonly jump?: true;
}

/** Starts everything; each rival has answered once when this returns. */
export async function startFaultScene(t: Owner, { config = [], hostName, jump }: Setting): Promise<FaultScene> {
  const target = await startEcho(t);
  const sshd = await startSshd(t, { config });
  const { sshConfigFile, road } = await startRoads(t, sshd, hosts);
  if (hostName !== undefined) {
    const named = readFileSync(sshConfigFile, 'utf8').replaceAll('HostName 127.0.0.1', `HostName ${hostName}`);
    writeFileSync(sshConfigFile, named, { mode: 0o600 });
  }
  if (jump === true) await goBeyond(t, sshConfigFile);
  const ports = { towline: await freePort(), loop: await freePort(), autossh: await freePort() };
  const ssh = (name: 'loop' | 'autossh') => {
    const forward = `127.0.0.1:${ports[name]}:127.0.0.1:${target.port}`;
    return ['-F', sshConfigFile, '-N', '-o', 'ExitOnForwardFailure=yes', '-L', forward, name];
  };

  const relays = { bench: { host: 'towline', forwards: [`${ports.towline}:127.0.0.1:${target.port}`] } };
  const file = join(homeOf(t), 'towline.json');
  writeFileSync(file, JSON.stringify({ sshConfig: sshConfigFile, relays }), { mode: 0o600 });
  const cli = startTowline(t, ['up', '--config', file]);
  const loop = start(t, 'sh', ['-c', 'while :; do ssh "$@"; sleep 0.2; done', 'loop', ...ssh('loop')]);
  // Its own advice: no monitoring port, keepalives of ssh, and no gate time.
  const alive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];
  const auto = start(t, 'autossh', ['-M', '0', ...alive, ...ssh('autossh')]);
  const rivals: Rival[] = [
    {
      ...who('towline', ports.towline, cli.pid, road.towline),
      forwarders: () => workersOf(cli.pid),
      notice: () => heedTowline(join(homeOf(t), 'run')),
    },
    tunnel('ssh in a loop', ports.loop, loop.pid ?? 0, road.loop),
    tunnel('autossh', ports.autossh, auto.pid ?? 0, road.autossh),
  ];
  for (const { port } of rivals) await answered(port);
  const roads = Object.values(road);
  return {
    sshd,
    target,
    rivals,
    add(toxic, direction) {
      const off = roads.map((one) => one.add(toxic, direction));
      return () => {
        for (const end of off) end();
      };
    },
    each: async (deed) => void (await Promise.all(roads.map((one) => deed(one)))),
  };
}

/** The hosts become jump hosts of others, which take their names. */
async function goBeyond(t: Owner, sshConfigFile: string): Promise<void> {
  const behind = await startSshd(t);
  const own = readFileSync(behind.sshConfigFile, 'utf8');
  const jumps = readFileSync(sshConfigFile, 'utf8').replace(/^Host (.*)$/gm, 'Host jump-$1');
  const beyond = hosts.map((name) => `${own.replace('Host test', `Host ${name}`)}  ProxyJump jump-${name}\n`);
  writeFileSync(sshConfigFile, [jumps, ...beyond].join(''), { mode: 0o600 });
}

function who(name: RivalName, port: number, main: number, road: Road) {
  return { name, port, main, road, pids: () => [main, ...descendants(main).map((one) => one.pid)] };
}

function tunnel(name: RivalName, port: number, main: number, road: Road): Rival {
  const forwarders = () => named(main, (one) => one.name === 'ssh');
  return { ...who(name, port, main, road), forwarders, notice: async () => heedTunnel(forwarders()) };
}

/** A worker is the daemon's own program once more; whatever else it runs is another one. */
const workersOf = (daemon: number) =>
  named(daemon, (one) => one.parent === daemon && commandOf(one.pid).includes('worker/entry.js'));

const named = (main: number, wanted: (one: ProcessFacts) => boolean): number[] =>
  descendants(main)
    .filter((one) => one.state !== 'Z' && wanted(one))
    .map((one) => one.pid);

function start(t: Owner, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore', env: { ...cliEnv(t), AUTOSSH_GATETIME: '0' } });
  t.teardown(() => {
    const { pid } = child;
    if (pid !== undefined)
      signalAll(
        [
          ...descendants(pid)
            .map((one) => one.pid)
            .reverse(),
          pid,
        ],
        'SIGKILL',
      );
  });
  return child;
}

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
