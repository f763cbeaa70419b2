import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { test } from 'tap';
import { WebSocket } from 'ws';

import { tree } from '../../bench/proc.ts';

interface Said {
  readonly type: string;
  readonly lines: readonly { readonly text: string }[];
}

/** Collects what the demo prints, and waits for a text in it. */
function reader(child: ChildProcess): (pattern: RegExp) => Promise<RegExpExecArray> {
  let text = '';
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (part: string) => {
      text += part;
      wake();
    });
  }
  child.once('exit', wake);
  return (pattern) =>
    new Promise((done, fail) => {
      const look = (): void => {
        const match = pattern.exec(text);
        if (match === null && child.exitCode === null) return;
        waiting.delete(look);
        if (match === null) fail(new Error(`the demo ended before it printed ${pattern}: ${text}`));
        else done(match);
      };
      waiting.add(look);
      look();
    });
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

test('the demo serves page and WebSocket through the relay, survives a killed link, and leaves nothing behind', async (t) => {
  // Shorter than t.testdir(): a Unix socket's path has 107 bytes at most.
  const dir = mkdtempSync(join(tmpdir(), 'demo-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const main = resolve(import.meta.dirname, '..', '..', 'demo', 'main.js');
  const child = spawn(process.execPath, [main], { env: { ...process.env, TMPDIR: dir }, stdio: 'pipe' });
  t.teardown(() => child.kill('SIGKILL'));
  const printed = reader(child);
  const [, address = '', token = ''] = await printed(/http:\/\/(127\.0\.0\.1:\d+)\/\?token=([\w-]{43})/);
  const port = Number(address.split(':')[1]);
  const [, sshPort] = await printed(/SSH server +127\.0\.0\.1:(\d+)/);
  const [, backendPort] = await printed(/backend +127\.0\.0\.1:(\d+)/);

  const page = await fetch(`http://${address}/?token=${token}`);
  t.equal(page.status, 200);
  t.match(await page.text(), /<script type="module" src="\/page\.js">/);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  t.equal((await fetch(`http://${address}/?token=wrong`)).status, 401, 'no page for a wrong token');

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
  child.stdin.write('k\n');
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
