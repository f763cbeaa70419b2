import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type Test, test } from 'tap';
import { describeClient } from '../../../src/core/supervisor/clients/connection.ts';
import { Departures } from '../../../src/core/supervisor/clients/departures.ts';
import { readTcpTable } from '../../../src/core/socket/tcp-table.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** Who looks, how often the kernel was asked, and a door by which clients come. */
async function start(t: Test) {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  let reads = 0;
  const departures = new Departures(() => {
    reads += 1;
    return readTcpTable();
  });
  const arrive = async () => {
    const accepted = once(server, 'connection');
    const socket = connect({ port: address.port, host: '127.0.0.1' });
    t.teardown(() => socket.destroy());
    const [held] = await accepted;
    t.teardown(() => held.destroy());
    return { socket, seen: { client: describeClient('r', 0, held), since: performance.now() } };
  };
  return { departures, arrive, reads: () => reads };
}

test('twenty relays that look at once read the list of the kernel no oftener than two', async (t) => {
  const { departures, arrive, reads } = await start(t);
  const [stays, leaves] = [await arrive(), await arrive()];
  leaves.socket.resetAndDestroy();
  const looks = await Promise.all(Array.from({ length: 20 }, () => departures.look()));
  t.equal(reads(), 4, 'twice for the look that the first one asked for, twice for that of all the others');
  for (const gone of looks) t.same([gone(stays.seen), gone(leaves.seen)], [false, true]);
  await Promise.all(Array.from({ length: 20 }, () => departures.lately()));
  t.equal(reads(), 4, 'who asks now and then is told what was seen just now');
});

test('a look knows nothing of who came after it began, and another one of who left after it', async (t) => {
  const { departures, arrive } = await start(t);
  const early = departures.look();
  const late = await arrive();
  late.socket.resetAndDestroy();
  t.equal((await early)(late.seen), false);
  t.equal((await departures.look())(late.seen), true);
});

test('what was seen is not kept', async (t) => {
  const { departures, arrive } = await start(t);
  const client = await arrive();
  t.equal((await departures.lately())(client.seen), false);
  client.socket.resetAndDestroy();
  await waitUntil('a new look', async () => (await departures.lately())(client.seen));
});
