import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { connectTcp, type TcpTarget } from '../../../src/core/ssh/tcp.ts';
import { freePort } from '../../fixtures/port.ts';

const { signal } = new AbortController();
const any = { addressFamily: 'any', bindAddress: null } as const;
const to = (hostName: string, port: number, over: Partial<TcpTarget> = {}): TcpTarget => ({
  hostName,
  port,
  ...any,
  ...over,
});

test('a name whose other address has nobody is reached all the same', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer((socket) => socket.destroy()).listen(0, host);
    await once(server, 'listening');
    t.teardown(() => server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const socket = await connectTcp(to(host === '::1' ? '::1' : 'localhost', address.port), 5_000, signal);
    t.equal(socket.remotePort, address.port, host);
    socket.destroy();
  }
});

test('a connect that fails, or is given up, says why and leaves nothing open', async (t) => {
  const port = await freePort();
  await t.rejects(connectTcp(to('localhost', port), 5_000, signal), { code: 'CONNECT_REFUSED' });
  await t.rejects(connectTcp(to('no-such-name.invalid', 22), 5_000, signal), { code: 'NAME_NOT_FOUND' });
  const given = new AbortController();
  given.abort(new Fault('LINK_LOST', 'not wanted any more'));
  await t.rejects(connectTcp(to('127.0.0.1', port), 5_000, given.signal), { code: 'LINK_LOST' });
});

test('AddressFamily leaves one family only', async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, '::');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  for (const [host, addressFamily, remote] of [
    ['localhost', 'inet', '127.0.0.1'],
    ['::1', 'inet6', '::1'],
  ] as const) {
    const socket = await connectTcp(to(host, address.port, { addressFamily }), 5_000, signal);
    t.equal(socket.remoteAddress, remote);
    socket.destroy();
  }
  await t.rejects(connectTcp(to('127.0.0.1', address.port, { addressFamily: 'inet6' }), 5_000, signal), {
    code: 'NAME_NOT_FOUND',
    message: /no address of AddressFamily inet6; correct that in ssh_config/,
  });
  await t.rejects(connectTcp(to('::1', address.port, { addressFamily: 'inet' }), 5_000, signal), {
    code: 'NAME_NOT_FOUND',
  });
});

test('BindAddress is where a connection comes from', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = createServer((socket) => {
    seen.push(socket.remoteAddress);
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const from = (bindAddress: string) => connectTcp(to('127.0.0.1', address.port, { bindAddress }), 5_000, signal);
  const came = once(server, 'connection');
  (await from('127.9.8.7')).destroy();
  await came;
  t.same(seen, ['127.9.8.7']);
  (await from('localhost')).destroy();
  await t.rejects(from('192.0.2.1'), {
    code: 'CONNECT_FAILED',
    message: /BindAddress 192\.0\.2\.1 is no address of this machine now/,
  });
  await t.rejects(from('::1'), { code: 'CONNECT_FAILED', message: /BindAddress ::1 is of another family/ });
  await t.rejects(from('no-such-name.invalid'), {
    code: 'CONNECT_FAILED',
    message: /BindAddress no-such-name\.invalid does not resolve/,
  });
});
