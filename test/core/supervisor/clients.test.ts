import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'tap';
import type { RelayConfig } from '../../../src/core/model/config.ts';
import type { ClientConnection } from '../../../src/core/model/plugin.ts';
import { Clients } from '../../../src/core/supervisor/clients.ts';
import { ConnectionTable } from '../../../src/core/supervisor/connection-table.ts';
import type { WorkerKeeper } from '../../../src/core/supervisor/worker-keeper.ts';
import { fate } from '../../fixtures/client.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

test('who comes while it is looked who has left is served, and who has left is cut', async (t) => {
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
  let looked: ((gone: (client: ClientConnection) => boolean) => void) | undefined;
  const config = { name: 'r', hold: { time: 60_000, connections: 9 }, connections: 9, deadlines: { open: 1_000 } };
  const clients = new Clients(config as RelayConfig, new ConnectionTable(() => null), {
    lane: () => (up ? { id: 'r#0', keeper } : null),
    prospect: () => (up ? { is: 'open' } : { is: 'held', launching: false }),
    hurry: () => undefined,
    refused: () => undefined,
    departed: () =>
      new Promise((resolve) => {
        looked = resolve;
      }),
  });
  t.teardown(() => clients.cutAll());

  const [stays, left, comes] = [await arrive(), await arrive(), await arrive()];
  clients.accept(0, stays[1]);
  clients.accept(0, left[1]);
  up = true;
  clients.look();
  await waitUntil('the look', () => looked !== undefined);
  // The list that is being read has only the one that stays.
  clients.accept(0, comes[1]);
  const cut = fate(left[0]);
  looked?.(({ from }) => from?.port !== stays[0].localPort);
  t.equal(await within('the cut', cut), 'ECONNRESET');
  t.same(handed, [1, 3]);
});
