import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { dial, fate } from '../fixtures/client.ts';
import { homeOf, type RunningCli, startTowline } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import { commandOf, descendants, endAll, runs } from '../fixtures/process-tree.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';

// How soon a daemon obeys (F68), with all that may hold it up.

const streams = 200;

/**
 * ms. Inside the daemon a listener closes 1 ms after the signal's handler begins (measured, also on two cores with 16 that want to run); the rest of
 * what is measured here is how long the machine lets it and us wait. So the median of the rounds counts, of more rounds where the machine is busy, and each round
 * must be far below whatever wait could hide in it: 2 s for a worker, 30 s of drain, a plugin that never ends.
 */
const limits = { accepting: 10, ending: 100, each: 1_500 };
const rounds = { least: 3, most: 8 };

const median = (times: readonly number[]): number =>
  [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.POSITIVE_INFINITY;

/** Its daemon side never finishes its clean-up; its worker side leaves a process behind that has inherited the worker's stderr. */
const sticky = `import { spawn } from 'node:child_process';
export default {
  name: 'sticky',
  daemon: ({ signal }) => {
    signal.addEventListener('abort', () => { for (;;); });
    return { observe() {} };
  },
  relay: () => {
    spawn('sleep', ['600'], { stdio: ['ignore', 'ignore', 'inherit'], detached: true }).unref();
    return { admit: () => true };
  },
};
`;

interface Scene {
  readonly up: RunningCli;
  readonly port: number;
  readonly open: readonly Socket[];
  /** Every process of it, the heir not counted. */
  readonly pids: readonly number[];
}

/** A daemon with open streams, a plugin that clings, and a reader of its events that does not read. */
async function begin(t: Owner, sshd: Sshd, backend: number): Promise<Scene> {
  const home = homeOf(t);
  const port = await freePort();
  const plugin = join(home, 'sticky.mjs');
  writeFileSync(plugin, sticky, { mode: 0o600 });
  const relay = { host: 'test', forwards: [`${port}:127.0.0.1:${backend}`], plugins: [plugin], drain: '30s' };
  const config = JSON.stringify({ sshConfig: sshd.sshConfigFile, relays: { r: relay } });
  writeFileSync(join(home, 'towline.json'), config, { mode: 0o600 });
  const up = startTowline(t, ['up']);
  await up.waitForOutput(/reaches its target/);
  const reader = connect(join(home, 'run', 'towline.sock')).on('error', () => undefined);
  t.teardown(() => reader.destroy());
  reader.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  reader.pause();
  const open = await Promise.all(
    Array.from({ length: streams }, async () => {
      const socket = await dial(port);
      t.teardown(() => socket.destroy());
      socket.write('x');
      await once(socket, 'data');
      return socket;
    }),
  );
  const children = descendants(up.pid);
  const isHeir = ({ pid }: { pid: number }) => commandOf(pid) === 'sleep 600';
  t.teardown(() => endAll(children.filter(isHeir).map(({ pid }) => pid)));
  return { up, port, open, pids: [up.pid, ...children.filter((one) => !isHeir(one)).map(({ pid }) => pid)] };
}

/** ms from now until nobody can connect any more. */
async function refusedAfter(port: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const client = connect({ port, host: '127.0.0.1' });
    const how = await new Promise<string>((resolve) => {
      client
        .once('connect', () => resolve('connected'))
        .once('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}`));
    });
    client.destroy();
    if (how === 'ECONNREFUSED') return performance.now() - began;
  }
}

test('SIGTERM stops accepting within 10 ms, and a second one ends all within 100 ms, whoever would hold it up', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const accepting: number[] = [];
  const ending: number[] = [];
  const quick = () => median(accepting) <= limits.accepting && median(ending) <= limits.ending;
  for (let round = 0; round < rounds.least || (round < rounds.most && !quick()); round += 1) {
    const { up, port, open, pids } = await begin(t, sshd, echo.port);
    const fates = open.map(fate);
    process.kill(up.pid, 'SIGTERM');
    accepting.push(await refusedAfter(port));
    await up.waitForOutput(/a second one ends them now/);
    const began = performance.now();
    process.kill(up.pid, 'SIGTERM');
    const { code } = await up.ended;
    ending.push(performance.now() - began);
    t.equal(code, 143);
    t.same([...new Set(await Promise.all(fates))], ['ECONNRESET'], 'every client is told that it was cut');
    await waitUntil('no process is left', () => !pids.some(runs));
  }
  const shown = (all: readonly number[]) => all.map((ms) => ms.toFixed(1)).join(', ');
  t.comment(`measured ${shown(accepting)} ms from SIGTERM until nobody could connect, with ${streams} streams`);
  t.comment(`measured ${shown(ending)} ms from the second SIGTERM to the end`);
  t.ok(median(accepting) <= limits.accepting, `${shown(accepting)} ms`);
  t.ok(median(ending) <= limits.ending, `${shown(ending)} ms`);
  t.ok(Math.max(...accepting, ...ending) < limits.each, `${shown([...accepting, ...ending])} ms`);
});

test('a daemon that ends in the middle of a restart accepts nobody while the old links drain', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], drain: '30s' };
  const relays = await supervise(t, sshd, { r: relay });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  const stream = await dial(port);
  t.teardown(() => stream.destroy());
  stream.write('x');
  await once(stream, 'data');
  const { id } = relays.supervisor.status();
  void relays.supervisor.restartRelay('r').catch(() => undefined);
  await relays.next('the drain', (event) => event.type === 'lane.changed' && event.state.at === 'draining', id);
  void relays.supervisor.close('the test wants it');
  const took = await refusedAfter(port);
  t.ok(took < 1_000, `${took} ms`);
  t.equal(relays.status('r').counters.open, 1, 'who is served may finish');
});
