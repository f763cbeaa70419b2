import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import type { ToSupervisor } from '../../../src/core/protocol.ts';
import { rawHandle } from '../../../src/core/socket/raw-handle.ts';
import { WorkerProcess } from '../../../src/core/supervisor/workers/worker-process.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// A worker without descriptors gets no handle, and hears nothing of its client: only a receipt of Node's own tells.

/** So many descriptors the process may have from now on. */
function limitFiles(pid: number, soft: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
}

/** A relay whose worker can open nothing, until `free`. */
async function starved(t: Owner, time: string) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time } };
  const relays = await supervise(t, sshd, { r });
  await relays.reach('r', 'connected');
  const pid = relays.worker('r');
  const before = execFileSync('prlimit', ['--pid', String(pid), '--nofile', '--noheadings', '-o', 'SOFT']);
  limitFiles(pid, '3');
  return { sshd, relays, pid, port: relays.port('r'), free: () => limitFiles(pid, String(before).trim()) };
}

test('a client whose handle does not reach the worker is held like any other, for no longer than hold.time', async (t) => {
  const { relays, pid, port, free } = await starved(t, '1s');
  const clients = await Promise.all([dial(port), dial(port), dial(port)]);
  t.same(await within('their resets', Promise.all(clients.map(fate))), ['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
  t.match(relays.status('r').counters, { open: 0, held: 0, refusedBy: { HOLD_EXPIRED: 3 } });
  free();
  t.equal(String(await exchange(port, 'the next one')), 'the next one');
  t.equal(relays.worker('r'), pid);
});

test('a client whose handle does not reach the worker is served when it has descriptors again, and something changes', async (t) => {
  const { sshd, relays, pid, port, free } = await starved(t, '60s');
  const answer = exchange(port, 'late');
  await waitUntil('it is back', () => relays.status('r').counters.held === 1);
  free();
  sshd.killSessions();
  t.equal(String(await answer), 'late');
  t.equal(relays.worker('r'), pid);
  t.equal(relays.status('r').counters.refused, 0);
});

test('of those that wait to be sent one may be cut: each receipt is still for the one that was sent', async (t) => {
  const said: ToSupervisor[] = [];
  const message = (one: ToSupervisor) => void (one.say === 'pong' || said.push(one));
  const worker = new WorkerProcess(1e9, { message, said: () => undefined, ended: () => undefined });
  t.teardown(() => worker.kill(new Fault('WORKER_FAILED', 'the test ends')));
  await waitUntil('it is ready', () => said.length === 1);
  const door = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  t.teardown(() => door.close());
  await once(door, 'listening');
  const sockets: Socket[] = [];
  door.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
  const { port } = door.address() as AddressInfo;
  const clients = await Promise.all([dial(port), dial(port), dial(port)]);
  t.teardown(() => {
    for (const one of [...clients, ...sockets]) one.destroy();
  });
  await waitUntil('all have come', () => sockets.length === 3);
  limitFiles(worker.pid, '3');
  process.kill(worker.pid, 'SIGSTOP');
  const client = { relay: 'r', forward: 0, from: null, to: null };
  for (const [id, socket] of sockets.entries()) {
    worker.send({ say: 'connection', lane: 'r#0', id, client, patience: 1_000 }, rawHandle(socket) ?? undefined);
  }
  sockets[1]?.destroy();
  process.kill(worker.pid, 'SIGCONT');
  await waitUntil('what became of them', () => said.length === 3);
  t.same(said.slice(1), [
    { say: 'returned', id: 0 },
    { say: 'returned', id: 2 },
  ]);
});
