import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import { test } from 'tap';
import { readTcpTable } from '../../../src/core/socket/tcp-table.ts';
import { bind, closeAll } from '../../../src/core/supervisor/listeners/bind.ts';
import { listenFault } from '../../../src/core/supervisor/listeners/listen-fault.ts';
import type { Fault } from '../../../src/core/model/fault.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** What is said of a port that cannot be bound. */
async function fault(port: number): Promise<Fault> {
  const listen = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const error = await bind(listen).then(
    (server) => server.close(),
    (why: unknown) => why,
  );
  return listenFault(error, listen);
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
};

test('a taken port is told by what has it: a program, a living connection, or one that has ended', async (t) => {
  const server = await bind({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  t.teardown(() => closeAll([server]));
  t.match(await fault(portOf(server)), {
    code: 'LISTEN_TAKEN',
    message: new RegExp(`is in use by pid ${process.pid} \\(.*\\); stop that program; towline takes the address`),
  });
  const came = once(server, 'connection');
  const client = connect(portOf(server), '127.0.0.1');
  const [other]: Socket[] = await came;
  const near = client.localPort ?? 0;
  const living = await fault(near);
  t.match(living, {
    code: 'LISTEN_TAKEN',
    message: /the near end of a connection of a program of uid \d+, and nobody listens/,
  });
  t.notMatch(living.message, /stop that program/);
  // Who ends first keeps the port for a while.
  client.end();
  other?.resume().end();
  await once(client.resume(), 'close');
  await waitUntil('TIME-WAIT', async () =>
    ((await readTcpTable()) ?? []).some(({ port, state }) => port === near && state === '06'),
  );
  const ended = await fault(near);
  t.match(ended, {
    code: 'LISTEN_TAKEN',
    message: /held by a connection that has ended \(TIME-WAIT\), and no program has it/,
  });
  t.notMatch(ended.message, /stop that program/);
});
