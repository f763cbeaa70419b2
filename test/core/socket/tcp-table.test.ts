import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'tap';
import { formatEnd, readTcpTable, tcpState, uidOf } from '../../../src/core/socket/tcp-table.ts';
import type { Owner } from '../../fixtures/temp.ts';

test('one address has one form, however it is written', (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['127.0.0.1', '127.0.0.1 5'],
    ['::1', '::1 5'],
    ['0:0:0:0:0:0:0:1', '::1 5'],
    ['0000:0000:0000:0000:0000:0000:0000:0001', '::1 5'],
    ['::ffff:127.0.0.1', '127.0.0.1 5'],
    ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1 5'],
    ['fe80::1%eth0', 'fe80::1 5'],
    ['2001:DB8::A', '2001:db8::a 5'],
  ];
  for (const [address, end] of rows) t.equal(formatEnd(address, 5), end, address);
  t.end();
});

/** A connection to a server on `host`; what the supervisor would know of its client. */
async function connection(t: Owner, host: string, to = host) {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(server, 'connection');
  const socket = connect({ host: to, port: address.port });
  t.teardown(() => socket.destroy());
  const [client] = await accepted;
  const from = { address: String(client.remoteAddress), port: Number(client.remotePort) };
  return { relay: 'r', forward: 0, from, to: { address: String(client.localAddress), port: Number(client.localPort) } };
}

test('the kernel lists both ends of a connection over IPv4, IPv6 and both at once', async (t) => {
  for (const [host, to] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['::', '127.0.0.1'],
  ] as const) {
    const client = await connection(t, host, to);
    const own = formatEnd(client.to.address, client.to.port);
    const rows = (await readTcpTable()) ?? [];
    t.ok(
      rows.some((row) => row.local === own && row.state === tcpState.established),
      `${own} is listed`,
    );
    t.equal(await uidOf(client), process.getuid?.(), `the owner of ${client.from.address}`);
    const stranger = { ...client, from: { ...client.from, address: '127.0.0.9' } };
    t.equal(await uidOf(stranger), null, 'the port alone proves nothing');
  }
});
