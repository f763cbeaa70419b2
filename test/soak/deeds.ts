import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, signalAll } from '../fixtures/process-tree.ts';
import type { Planned } from './plan.ts';
import { runStream } from './stream.ts';
import type { Host, World } from './world.ts';

/** The processes that a deed is done to, where it is done to processes of the daemon. */
export type Hit = readonly number[];
const none: Hit = [];

/** Does one planned fault, and undoes it when its time is over; resolves then. */
export async function perform(world: World, planned: Planned): Promise<Hit> {
  const host = world.hosts[planned.host];
  if (host === undefined) throw new Error(`no host ${planned.host}`);
  const { sshd, road } = host;
  const { lasts, chance } = planned;
  switch (planned.deed) {
    case 'kill-sessions':
      sshd.killSessions();
      return none;
    case 'end-sessions':
      sshd.killSessions('SIGTERM');
      return none;
    case 'freeze-sessions':
      await freeze(sshd.sessions(), lasts);
      return none;
    case 'sshd-away':
      await sshd.stop();
      await sleep(lasts);
      await sshd.start();
      return none;
    case 'sshd-reload':
      await sshd.reload();
      return none;
    case 'slow-road':
      return toxic(host, { kind: 'latency', latency: 100 + 400 * chance, jitter: 80 + 200 * chance }, lasts);
    case 'narrow-road':
      return toxic(host, { kind: 'bandwidth', rate: 64 * 1024 + 512 * 1024 * chance }, lasts);
    case 'sliced-road':
      return toxic(host, { kind: 'slicer', size: 200, variation: 199 }, lasts);
    case 'black-hole':
      return toxic(host, { kind: 'timeout' }, lasts);
    case 'reset-road':
      road.reset();
      return none;
    case 'cut-road':
      road.cut();
      return none;
    case 'flip-bits':
      // Behind the handshake of a connection that begins meanwhile.
      return toxic(
        host,
        { kind: 'xor', at: 8_000 + Math.floor(chance * 4_000), mask: 1 << Math.floor(chance * 8) },
        lasts,
      );
    case 'limit-road':
      return toxic(host, { kind: 'limit_data', bytes: 8_000 + Math.floor(chance * 500_000) }, lasts);
    case 'road-away':
      await road.down();
      await sleep(lasts);
      await road.up();
      return none;
    case 'kill-worker':
      return kill(await workersOf(world, planned.relay));
    case 'freeze-worker':
      return freeze(await workersOf(world, planned.relay), lasts);
    case 'sleep':
      return freeze([world.cli.pid, ...descendants(world.cli.pid).map(({ pid }) => pid)], lasts);
    case 'restart-relay':
      await world.client.command('restart', `r${planned.relay}`);
      return none;
    case 'reload':
      process.kill(world.cli.pid, 'SIGHUP');
      return none;
    case 'crowd':
      await crowd(world, planned.relay);
      return none;
  }
}

async function toxic({ road }: Host, what: Parameters<Host['road']['add']>[0], lasts: number): Promise<Hit> {
  const off = road.add(what);
  await sleep(lasts);
  off();
  return none;
}

async function freeze(pids: Hit, lasts: number): Promise<Hit> {
  signalAll(pids, 'SIGSTOP');
  await sleep(lasts);
  signalAll(pids, 'SIGCONT');
  return pids;
}

function kill(pids: Hit): Hit {
  signalAll(pids, 'SIGKILL');
  return pids;
}

async function workersOf(world: World, relay: number): Promise<number[]> {
  const found = (await world.status()).find(({ name }) => name === `r${relay}`);
  return found?.lanes.flatMap(({ pid }) => (pid === null ? [] : [pid])).slice(0, 1) ?? [];
}

/** Many short clients at once; what becomes of each is the relay's word, and none of it may hang. */
async function crowd(world: World, relay: number): Promise<void> {
  const to = world.relays[relay];
  if (to === undefined) throw new Error(`no relay ${relay}`);
  const ends = await Promise.all(
    Array.from({ length: 100 }, (_, seed) =>
      runStream(to, { size: 10, seed, pace: 0, target: world.target, patience: 60_000 }),
    ),
  );
  const bad = ends.find(({ how }) => how === 'hung' || how === 'wrong');
  if (bad !== undefined) throw new Error(`a client of a crowd: ${JSON.stringify(bad)}`);
}
