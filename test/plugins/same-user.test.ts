import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'tap';
import { spawn } from 'node:child_process';
import { startEcho } from '../fixtures/backend.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { within } from '../fixtures/wait.ts';
import sameUser from '../../src/plugins/same-user.ts';

const signal = new AbortController().signal;

test('it admits a client whose end of the connection is ours, and nobody that the kernel does not list', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const socket = await dial(address.port);
  t.teardown(() => socket.destroy());
  const hooks = await sameUser.relay?.({ relay: 'r', options: undefined, signal });
  const to = { address: '127.0.0.1', port: address.port };
  const ask = (port: number) => hooks?.admit?.({ relay: 'r', forward: 0, from: { address: '127.0.0.1', port }, to });
  t.equal(await ask(socket.localPort ?? 0), true);
  t.match(await ask(1), /belongs to nobody known/);
  t.equal(
    await hooks?.admit?.({ relay: 'r', forward: 0, from: null, to: null }),
    true,
    'a Unix socket has permissions',
  );
});

test('through a relay, another user is reset and the own user is served', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: ['same-user'] },
  });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  t.equal((await exchange(port, 'mine')).toString(), 'mine');
  const code = `require('net').connect(${port},'127.0.0.1').on('error',e=>{console.log(e.code)}).on('data',()=>console.log('served')).on('end',()=>console.log('end')).write('x')`;
  const other = spawn(process.execPath, ['-e', code], {
    uid: 65_534,
    gid: 65_534,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  other.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  await within('the other user', once(other, 'close'));
  t.equal(said.trim(), 'ECONNRESET');
  const refused = await relays.next('the refusal', (event) => event.type === 'connection.refused');
  t.match(refused, { fault: { code: 'ADMISSION_REFUSED', message: /uid 65534, not to uid 0/ } });
});
