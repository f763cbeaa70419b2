import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';

import { test } from 'tap';
import { WebSocket } from 'ws';

import { tree } from '../../bench/proc.ts';
import { startDemo } from './demo-process.ts';

interface Said {
  readonly type: string;
  readonly lines: readonly { readonly text: string }[];
}

/** Opens a WebSocket and reads its first message, the journal; or returns the HTTP status that refused it. */
async function openSocket(
  address: string,
  protocols: string[],
  headers = {},
): Promise<{ socket: WebSocket; journal: Said } | number> {
  const socket = new WebSocket(address, protocols, { headers, handshakeTimeout: 12_000 });
  return new Promise((done, fail) => {
    socket.on('error', (error) => (socket.readyState === WebSocket.CLOSED ? undefined : fail(error)));
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      done(response.statusCode ?? 0);
    });
    socket.once('message', (data) => done({ socket, journal: JSON.parse(String(data)) as Said }));
  });
}

const refuses = (port: number): Promise<string> =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => done('accepted'));
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'unknown'));
    socket.on('connect', () => socket.destroy());
  });

const paired = async (address: string, given: string): Promise<number> =>
  (await fetch(`http://${address}/paired`, { headers: { Authorization: `Bearer ${given}` } })).status;

test('the demo serves page and WebSocket through the relay, survives a killed link, and leaves nothing behind', async (t) => {
  const { child, dir, printed: log, address, token } = await startDemo(t);
  const printed = (pattern: RegExp) => log.waitFor(pattern);
  const port = Number(address.split(':')[1]);
  const [, sshPort] = await printed(/SSH server +127\.0\.0\.1:(\d+)/);
  const [, backendPort] = await printed(/backend +127\.0\.0\.1:(\d+)/);

  const page = await fetch(`http://${address}/`);
  t.equal(page.status, 200);
  t.match(await page.text(), /<script type="module" src="\/page\.js">/);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  t.equal(page.headers.get('referrer-policy'), 'no-referrer');
  const client = await fetch(`http://${address}/client/browser.js`);
  t.match(await client.text(), /connectRelay/);
  t.match(client.headers.get('content-type'), /javascript/);
  t.equal((await fetch(`http://${address}/client/../main.js`)).status, 404);
  t.same([await paired(address, token), await paired(address, 'wrong')], [200, 401]);

  t.equal(await openSocket(`ws://${address}/?token=wrong`, []), 401);
  t.equal(await openSocket(`ws://${address}/`, ['mains.v1', 'mains.token.wrong']), 401);
  t.equal(await openSocket(`ws://${address}/`, ['mains.v1']), 401, 'no token at all');
  t.equal(await openSocket(`ws://${address}/?token=${token}`, [], { origin: 'http://evil.test' }), 403);

  const first = await openSocket(`ws://${address}/`, ['mains.v1', `mains.token.${token}`]);
  if (typeof first === 'number') throw new Error(`the right token was answered with ${first}`);
  t.equal(first.socket.protocol, 'mains.v1');
  t.same(first.journal, { type: 'journal', lines: [] });
  const echoed = once(first.socket, 'message');
  const line = JSON.stringify({ type: 'line', id: 'one', text: 'written before the break' });
  first.socket.send(line);
  const [echo] = await echoed;
  t.match(JSON.parse(String(echo)), { type: 'line', line: { n: 1, id: 'one', text: 'written before the break' } });

  const broken = once(first.socket, 'close');
  child.stdin?.write('k\n');
  await printed(/1 SSH link killed/);
  await broken;
  const second = await openSocket(`ws://${address}/?token=${token}`, []);
  if (typeof second === 'number') throw new Error(`after the break the right token was answered with ${second}`);
  t.match(second.journal.lines, [{ text: 'written before the break' }], 'the journal is replayed');
  await printed(/SSH link up again after \d+ ms/);
  second.socket.send(line);
  const third = await openSocket(`ws://${address}/?token=${token}`, []);
  if (typeof third === 'number') throw new Error(`a second client was answered with ${third}`);
  t.equal(third.journal.lines.length, 1, 'a line that is sent twice is written once');

  const pids = tree(child.pid ?? 0);
  t.ok(pids.length >= 2, 'the worker is a process of its own');
  t.not(readdirSync(dir).length, 0, 'there is a temp folder to be removed');
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await exited, [0, null]);
  t.same(readdirSync(dir), [], 'the temp folder is gone');
  t.same(
    pids.filter((pid) => tree(pid).length > 0),
    [],
    'its processes are gone',
  );
  for (const used of [port, Number(sshPort), Number(backendPort)]) t.equal(await refuses(used), 'ECONNREFUSED');
});

test('the token of the demo is new each time, and nothing that is nearly it will do', async (t) => {
  const [one, other] = await Promise.all([startDemo(t), startDemo(t)]);
  t.not(one.token, other.token);
  const { address, token } = one;
  const changed = (at: number) => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
  const nearly = [
    changed(0),
    changed(21),
    changed(42),
    token.slice(0, -1),
    `${token}A`,
    token.toLowerCase(),
    other.token,
  ];
  for (const given of nearly) t.equal(await paired(address, given), 401, 'one that is nearly right');
  t.equal(await paired(address, token), 200);
});
