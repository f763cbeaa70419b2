import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import type { RelayConfig } from '../../../src/core/model/config.ts';
import type { ClientConnection } from '../../../src/core/model/plugin.ts';
import { Clients } from '../../../src/core/supervisor/clients/clients.ts';
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
  const keeper = { send: (message: { id: number }) => handed.push(message.id) > 0 } as unknown as WorkerKeeper;
  let up = false;
  let refused: (code: string) => void = () => undefined;
  const refusal = new Promise<string>((resolve) => {
    refused = resolve;
  });
  const looks: ((gone: (client: ClientConnection) => boolean) => void)[] = [];
  const config = { name: 'r', hold: { time, connections: 9 }, connections: 9, deadlines: { open: 1_000 } };
  const table = new ConnectionTable(() => null);
  const clients = new Clients(config as RelayConfig, table, {
    lane: () => (up ? { id: 'r#0', keeper } : null),
    prospect: () => (up ? { is: 'open' } : { is: 'held', launching: false }),
    hurry: () => undefined,
    refused: (_, { code }) => refused(code),
    departed: () =>
      new Promise((resolve) => {
        looks.push(resolve);
      }),
  });
  t.teardown(() => clients.cutAll());
  const open = () => {
    up = true;
    clients.look();
  };
  const shut = () => {
    up = false;
  };
  return { clients, keeper, table, arrive, open, shut, handed, looks, refusal };
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
  looks[0]?.(({ from }) => from?.port !== stays[0].localPort);
  t.equal(await within('the cut', cut), 'ECONNRESET');
  t.same(handed, [1, 3]);
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
  const { clients, keeper, table, arrive, open, shut, handed, looks, refusal } = await start(t, 1_000);
  const [, socket] = await arrive();
  clients.accept(0, socket);
  const accepted = performance.now();
  await waitUntil('most of it has passed', () => performance.now() - accepted > 800);
  open();
  await waitUntil('the look', () => looks.length === 1);
  looks[0]?.(() => false);
  await waitUntil('it is handed over', () => handed.length === 1);
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
