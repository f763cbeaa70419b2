import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'tap';
import { spawn } from 'node:child_process';
import { startEcho } from '../fixtures/backend.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { within } from '../fixtures/wait.ts';
import { uidOf } from '../../src/core/socket/tcp-table.ts';
import { pluginConforms } from '../../src/plugin.ts';
import sameUser from '../../src/plugins/same-user.ts';

const signal = new AbortController().signal;

/** Runs a program as another user of this machine, to its end; what it printed. */
async function asNobody(code: string): Promise<string> {
  const ids = { uid: 65_534, gid: 65_534 };
  const other = spawn(process.execPath, ['-e', code], { ...ids, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  other.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  await within('the other user', once(other, 'close'));
  return said.trim();
}

test('it keeps the rules of plugins', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  await pluginConforms(sameUser);
});

test('it admits a client whose end of the connection is ours, and nobody that the kernel does not list', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const socket = await dial(address.port);
  t.teardown(() => socket.destroy());
  const hooks = await sameUser.relay?.({ relay: 'r', options: undefined, env: {}, signal, uidOf });
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
  t.equal(await asNobody(code), 'ECONNRESET');
  const refused = await relays.next('the refusal', (event) => event.type === 'connection.refused');
  t.match(refused, { fault: { code: 'ADMISSION_REFUSED', message: /uid 65534, not to uid 0/ } });
});

test('another user who has our port on another loopback address is refused as well', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: ['same-user'] },
  });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  const own = await dial(port);
  t.teardown(() => own.destroy());
  own.write('mine');
  await once(own, 'data');
  const code = `
    const connect = (n) => new Promise((done) => require('net')
      .connect({ port: ${port}, host: '127.0.0.1', localAddress: '127.0.0.' + n, localPort: ${own.localPort} })
      .on('error', (e) => done(e.code)).on('data', () => done('served')).on('end', () => done('end')).write('x'));
    (async () => { const said = []; for (const n of [2, 3, 4, 5, 6, 7]) said.push(await connect(n)); console.log(said.join(' ')); process.exit() })()`;
  t.equal(await asNobody(code), Array(6).fill('ECONNRESET').join(' '));
});
