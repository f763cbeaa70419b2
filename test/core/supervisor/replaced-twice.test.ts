import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial } from '../../fixtures/client.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { type Supervised, supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** A client that stays, the sessions of the link that it came over, and all that it heard. */
interface Stayer {
  readonly socket: Socket;
  readonly pids: readonly number[];
  heard(text: string): Promise<void>;
}

async function stay(t: Owner, sshd: Sshd, relays: Supervised, before: readonly number[]): Promise<Stayer> {
  const socket = await dial(relays.port('r'));
  t.teardown(() => socket.destroy());
  let said = '';
  socket.on('data', (chunk) => {
    said += String(chunk);
  });
  const heard = (text: string) => waitUntil(`"${text}"`, () => said === text);
  socket.write('first ');
  await heard('first ');
  return { socket, pids: sshd.sessions().filter((pid) => !before.includes(pid)), heard };
}

test('a link that is replaced twice: who is joined over each of the three keeps every byte, and each goes with its last client', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [{ listen: 0, target: `127.0.0.1:${echo.port}`, health: null }];
  // The hung ones must not count as dead before the test is over.
  const keepalive = { interval: '15s', count: 3 };
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, keepalive, hold: { time: '30s' } } });
  await relays.reach('r', 'connected');
  const stayers: Stayer[] = [];
  const known = () => stayers.flatMap(({ pids }) => pids);
  const signal = (pids: readonly number[], name: NodeJS.Signals) => {
    for (const pid of pids) if (sshd.sessions().includes(pid)) process.kill(pid, name);
  };
  t.teardown(() => signal(known(), 'SIGCONT'));
  for (let links = 1; links <= 3; links += 1) {
    const from = relays.supervisor.status().id;
    // The first one comes over the first link, each other one where the last link hangs.
    stayers.push(await stay(t, sshd, relays, known()));
    if (links > 1) await relays.next('another link', ({ type }) => type === 'link.replaced', from);
    if (links < 3) signal(known(), 'SIGSTOP');
  }
  t.ok(stayers.every(({ pids }) => pids.length > 0));
  for (const { socket } of stayers) socket.write('second ');
  await stayers[2]?.heard('first second ');
  signal(known(), 'SIGCONT');
  for (const one of stayers) await one.heard('first second ');
  const alive = () => stayers.map(({ pids }) => sshd.sessions().some((pid) => pids.includes(pid)));
  t.same(alive(), [true, true, true]);
  // The one in the middle goes first: neither neighbour has to do with it.
  for (const [index, left] of [
    [1, [true, false, true]],
    [0, [false, false, true]],
    [2, [false, false, true]],
  ] as const) {
    const { socket, heard } = stayers[index] ?? {};
    if (socket === undefined) throw new Error('nobody stayed');
    const end = once(socket, 'end');
    socket.end('third');
    await within('its ordinary end', end);
    await heard?.('first second third');
    await waitUntil(`the links are ${left}`, () => alive().join() === left.join());
    for (const [other, one] of stayers.entries()) {
      if (other !== index && !one.socket.writableEnded) t.notOk(one.socket.destroyed || one.socket.readableEnded);
    }
  }
  await relays.reach('r', 'connected');
});
