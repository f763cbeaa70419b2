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
