import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import type { RelayConfig } from '../../../src/core/model/config.ts';
import { Clients } from '../../../src/core/supervisor/clients/clients.ts';
import type { Gone } from '../../../src/core/supervisor/clients/departures.ts';
import { ConnectionTable } from '../../../src/core/supervisor/clients/connection-table.ts';
import type { WorkerKeeper } from '../../../src/core/supervisor/workers/worker-keeper.ts';
import { fate } from '../../fixtures/client.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** The clients of a relay without lanes, until `open`; who has left is looked for until `looked` says it. */
async function start(t: Test, time = 60_000) {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const arrive = async (): Promise<readonly [Socket, Socket]> => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = connect({ port, host: '127.0.0.1' });
    client.on('error', () => undefined);
    t.teardown(() => client.destroy());
    const [socket] = await within('a client', accepted);
    t.teardown(() => socket.destroy());
    return [client, socket];
  };

  const handed: number[] = [];
  /** How long each may still wait at the worker, ms. */
  const left: number[] = [];
  const send = (message: { id: number; patience: number }) =>
    left.push(message.patience) > 0 && handed.push(message.id) > 0;
  const keeper = { send } as unknown as WorkerKeeper;
  let up = false;
  let refused: (code: string) => void = () => undefined;
  const refusal = new Promise<string>((resolve) => {
    refused = resolve;
  });
  const looks: ((gone: Gone) => void)[] = [];
  const config = { name: 'r', hold: { time, connections: 9 }, connections: 9, deadlines: { open: 1_000 } };
  const table = new ConnectionTable(() => null);
  const clients = new Clients(config as RelayConfig, table, {
    lane: () => (up ? { id: 'r#0', keeper } : null),
    prospect: (forward) => (up && forward === 0 ? { is: 'open' } : { is: 'held', launching: up && forward === 1 }),
    hurry: () => undefined,
    refused: (_, { code }) => refused(code),
    departures: {
      look: () =>
        new Promise((resolve) => {
          looks.push(resolve);
        }),
      lately: async () => () => false,
    },
  });
  t.teardown(() => clients.cutAll());
  const open = () => {
    up = true;
    clients.look();
  };
  const shut = () => {
    up = false;
  };
  return { clients, keeper, table, arrive, open, shut, handed, left, looks, refusal };
}

test('who comes while it is looked who has left is served, and who has left is cut', async (t) => {
  const { clients, arrive, open, handed, looks } = await start(t);
  const [stays, left, comes] = [await arrive(), await arrive(), await arrive()];
  clients.accept(0, stays[1]);
  clients.accept(0, left[1]);
  const accepted = performance.now();
  await waitUntil('they are looked for', () => performance.now() - accepted > 150);
  open();
  await waitUntil('the look', () => looks.length === 1);
  // The list that is being read has only the one that stays.
  clients.accept(0, comes[1]);
  const cut = fate(left[0]);
  looks[0]?.(({ client }) => client.from?.port !== stays[0].localPort);
  t.equal(await within('the cut', cut), 'ECONNRESET');
  t.same(handed, [1, 3]);
});

test('a look that does not end holds nobody up', async (t) => {
  const { clients, arrive, open, handed, looks } = await start(t);
  const client = await arrive();
  clients.accept(0, client[1]);
  const accepted = performance.now();
  await waitUntil('it is looked for', () => performance.now() - accepted > 150);
  open();
  await waitUntil('the look', () => looks.length === 1);
  await waitUntil('it is handed over', () => handed.length === 1);
  t.same(handed, [1]);
});

test('whose link is back is not given up while it is looked who has left, nor who comes meanwhile', async (t) => {
  const { clients, arrive, open, shut, handed, looks, refusal } = await start(t, 400);
  const [first, second, third] = [await arrive(), await arrive(), await arrive()];
  const since = async (from: number, ms: number) => waitUntil('a while', () => performance.now() - from > ms);
  clients.accept(0, first[1]);
  await since(performance.now(), 300);
  open();
  await waitUntil('the look', () => looks.length === 1);
  clients.accept(0, second[1]);
  await since(performance.now(), 600);
  looks[0]?.(() => false);
  await waitUntil('both are handed over', () => handed.length === 2);
  t.same(handed, [1, 2]);
  shut();
  clients.accept(0, third[1]);
  await since(performance.now(), 200);
  open();
  await waitUntil('the next look', () => looks.length === 2);
  shut();
  looks[1]?.(() => false);
  t.equal(await within('its end', refusal), 'HOLD_EXPIRED', 'the clock goes on where the link is gone again');
});

test('while others are served the clock of who waits for a launch stands still', async (t) => {
  const { clients, arrive, open, shut, handed, looks, refusal } = await start(t, 400);
  const [served, waits] = [await arrive(), await arrive()];
  clients.accept(0, served[1]);
  clients.accept(1, waits[1]);
  const since = async (from: number, ms: number) => waitUntil('a while', () => performance.now() - from > ms);
  await since(performance.now(), 200);
  open();
  await waitUntil('the look', () => looks.length === 1);
  looks[0]?.(() => false);
  await waitUntil('one is handed over', () => handed.length === 1);
  await since(performance.now(), 600);
  t.equal(clients.held, 1);
  shut();
  clients.look();
  t.equal(await within('its end', refusal), 'HOLD_EXPIRED', 'with what was left');
});

test('who has come this very moment is served at once, without a look', async (t) => {
  const { clients, arrive, open, handed, looks } = await start(t);
  const client = await arrive();
  clients.accept(0, client[1]);
  open();
  t.same(handed, [1]);
  t.equal(looks.length, 0);
});

test('who comes back from a link that fails goes on with what was left of the time for which it may be held', async (t) => {
  const { clients, keeper, table, arrive, open, shut, handed, left, looks, refusal } = await start(t, 1_000);
  const [, socket] = await arrive();
  clients.accept(0, socket);
  const accepted = performance.now();
  await waitUntil('most of it has passed', () => performance.now() - accepted > 800);
  open();
  await waitUntil('the look', () => looks.length === 1);
  looks[0]?.(() => false);
  await waitUntil('it is handed over', () => handed.length === 1);
  t.ok((left[0] ?? 0) > 0 && (left[0] ?? 0) <= 200, `at the worker it may wait for ${left[0]} ms more`);
  shut();
  const connection = table.find(handed[0] ?? 0);
  if (connection === undefined) throw new Error('it is gone');
  // At a worker nobody counts.
  const away = performance.now();
  await waitUntil('more than what is left', () => performance.now() - away > 300);
  clients.heard(keeper, connection, { say: 'returned', id: connection.id });
  const back = performance.now();
  t.equal(await within('its end', refusal), 'HOLD_EXPIRED');
  const held = performance.now() - back;
  t.ok(held < 700, `it was held for ${held} ms more`);
});

test('who is handed over in vain is held as long as anybody, and is handed over again when something has changed', async (t) => {
  const { clients, keeper, table, arrive, open, handed, refusal } = await start(t, 1_000);
  const [[, patient], [, tired]] = [await arrive(), await arrive()];
  open();
  const back = async (id: number) => {
    const connection = table.find(id);
    if (connection === undefined) throw new Error('it is gone');
    clients.heard(keeper, connection, { say: 'returned', id });
    await new Promise((resolve) => setImmediate(resolve));
  };
  clients.accept(0, patient);
  for (let times = 1; times < 4; times += 1) await back(1);
  t.same(handed, [1, 1, 1, 1], 'at once, as long as that may help');
  await back(1);
  t.equal(handed.length, 4, 'nothing has changed');
  for (let times = 5; times < 9; times += 1) {
    open();
    await waitUntil('the next hand-over', () => handed.length === times);
    await back(1);
  }
  open();
  await waitUntil('the last one', () => handed.length === 9);
  clients.heard(keeper, table.find(1) as never, { say: 'opened', id: 1 });
  const opened = performance.now();

  clients.accept(0, tired);
  for (let times = 0; times < 4; times += 1) await back(2);
  open();
  await waitUntil('it is handed over once more', () => handed.length === 14);
  t.equal(await within('its end', refusal), 'HOLD_EXPIRED', 'also at a worker that keeps it');
  t.ok(performance.now() - opened > 900);
  t.ok(table.find(1), 'the clock of the first one rests');
});

test('a worker is not believed what it cannot know: of a client that another one has, that is held, or open and said to be unread', async (t) => {
  const { clients, keeper, table, arrive, open, handed } = await start(t);
  const [, socket] = await arrive();
  clients.accept(0, socket);
  const connection = table.find(1);
  if (connection === undefined) throw new Error('it is gone');
  t.throws(() => clients.heard(keeper, connection, { say: 'returned', id: 1 }), /is held/);
  open();
  t.same(handed, [1]);
  const other = { send: () => true } as unknown as WorkerKeeper;
  t.throws(() => clients.heard(other, connection, { say: 'closed', id: 1, told: null }), /is handed/);
  clients.heard(keeper, connection, { say: 'opened', id: 1 });
  t.throws(() => clients.heard(keeper, connection, { say: 'returned', id: 1 }), /is open/);
  t.throws(() => clients.heard(keeper, connection, { say: 'opened', id: 1 }), /is open/);
  t.equal(clients.open, 1);
  t.equal(clients.held, 0);
  clients.heard(keeper, connection, { say: 'closed', id: 1, told: null });
  t.equal(clients.open, 0);
});
