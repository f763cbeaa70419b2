import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// Who is joined over a link that another one has replaced, when the relay is to end: he may finish as all others may.

/** A client that stays; `said` is all that came back to it. */
async function stayer(t: Owner, port: number): Promise<{ readonly socket: Socket; readonly said: () => string }> {
  const socket = await dial(port);
  t.teardown(() => socket.destroy());
  let said = '';
  socket.on('data', (chunk) => {
    said += String(chunk);
  });
  socket.write('first ');
  await waitUntil('the first word', () => said === 'first ');
  return { socket, said: () => said };
}

/** A relay whose link was replaced by another, with a client over each; `cut` loses the second link. */
async function replaced(t: Owner) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '30s' }, drain: '30s' };
  const relays = await supervise(t, sshd, { r });
  await relays.reach('r', 'connected');
  const first = await stayer(t, relays.port('r'));
  const old = sshd.freezeSessions();
  await exchange(relays.port('r'), 'beside');
  await relays.reach('r', 'connected');
  for (const pid of old) process.kill(pid, 'SIGCONT');
  const second = await stayer(t, relays.port('r'));
  const cut = () => {
    for (const pid of sshd.sessions()) if (!old.includes(pid)) process.kill(pid, 'SIGKILL');
  };
  /** The client over the old link goes on, and ends as it likes. */
  const finishes = async () => {
    first.socket.write('second ');
    await waitUntil('its bytes come back', () => first.said() === 'first second ');
    const ended = once(first.socket, 'end');
    first.socket.end('third');
    await within('its ordinary end', ended);
    return first.said();
  };
  return { sshd, relays, old, second, cut, finishes };
}

const isAt = (at: string) => (event: Event) => event.type === 'lane.changed' && event.state.at === at;

test('a relay that is stopped while it dials lets who is joined over a replaced link finish', async (t) => {
  const { sshd, relays, old, cut, finishes } = await replaced(t);
  const from = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  for (const pid of old) process.kill(pid, 'SIGCONT');
  cut();
  await relays.next('the loss', isAt('dialing'), from);
  const stopped = relays.supervisor.stopRelay('r');
  await relays.next('the drain', isAt('draining'), from);
  t.equal(await finishes(), 'first second third');
  await within('the stop, once nobody is joined any more', stopped, 10_000);
});

test('a relay that loses its link while it drains lets who is joined over a replaced one finish', async (t) => {
  const { relays, second, cut, finishes } = await replaced(t);
  const from = relays.supervisor.status().id;
  const stopped = relays.supervisor.stopRelay('r');
  await relays.next('the drain', isAt('draining'), from);
  const end = fate(second.socket);
  cut();
  t.equal(await end, 'ECONNRESET', 'the other one is cut, and sees that');
  t.equal(await finishes(), 'first second third');
  await within('the stop, once nobody is joined any more', stopped, 10_000);
});
