import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { test } from 'tap';
import { keep, startEcho, startSource } from '../../fixtures/backend.ts';
import { dial, fate, readAll } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

const run = promisify(execFile);

/** A SOCKS 5 request for a port of 127.0.0.1. */
const request = (port: number) => Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]);

test('curl goes through a dynamic forward by SOCKS 4, 4a and 5, names resolved on the remote', async (t) => {
  const sshd = await startSshd(t);
  const web = await keep(
    t,
    createServer((_, answer) => void answer.end('from there')),
    0,
  );
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['dynamic:0'] } });
  const { standing } = await relays.reach('r', 'connected');
  t.match(standing, { word: 'connected' });
  const proxy = `127.0.0.1:${relays.port('r')}`;
  for (const way of ['socks4', 'socks4a', 'socks5', 'socks5h']) {
    const { stdout } = await run('curl', [
      '-sS',
      '-m',
      '20',
      '-x',
      `${way}://${proxy}`,
      `http://localhost:${web.port}/`,
    ]);
    t.equal(stdout, 'from there', way);
  }
  await waitUntil('the counts', () => relays.status('r').counters.open === 0);
  t.match(relays.status('r').counters, { accepted: 4, refused: 0 });
});

test('a target that is not there is told in SOCKS, counted, and no reason to call the relay unwell', async (t) => {
  const sshd = await startSshd(t);
  const gone = await startEcho(t);
  await gone.close();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['dynamic:0'] } });
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  const told = readAll(client);
  client.write(request(gone.port));
  t.same([...(await within('the reply', told))], [5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
  const refused = await relays.next('it is told', (event) => event.type === 'connection.refused');
  t.match(refused, { fault: { code: 'TARGET_REFUSED' } });
  t.match(relays.status('r'), { standing: { word: 'connected' }, counters: { refused: 1, accepted: 1 } });
});

test('who speaks HTTP to it is told so, in status too', async (t) => {
  const sshd = await startSshd(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['dynamic:0'] } });
  await relays.reach('r', 'connected');
  const failed = run('curl', ['-sS', '-m', '20', '-x', `http://127.0.0.1:${relays.port('r')}`, 'http://h/']);
  t.match((await failed).stdout, /this is a SOCKS proxy/);
  await relays.next('it is told', (event) => event.type === 'connection.refused');
  t.match(relays.status('r').lastFault, { code: 'SOCKS_INVALID', message: /socks5h/ });
});

test('a client that comes while the link is down is held, and an open one is reset with its link', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const source = await startSource(t, 1_000_000_000);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['dynamic:0'] } });
  await relays.reach('r', 'connected');
  const open = await dial(relays.port('r'));
  open.write(request(source.port));
  // Before its target has answered it would go over the next link, and get everything.
  await waitUntil('its first bytes', () => open.bytesRead > 1_000);
  const cut = fate(open);
  sshd.killSessions();
  t.equal(await within('the cut', cut), 'ECONNRESET');
  const held = await dial(relays.port('r'));
  held.write(Buffer.concat([request(echo.port), Buffer.from('hello')]));
  const answer = readAll(held);
  held.end();
  t.equal((await within('the answer', answer)).subarray(-5).toString(), 'hello');
});
