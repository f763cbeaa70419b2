import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';
import { WebSocket } from 'ws';
import { startEcho, startSilent, startSink, startSource } from '../fixtures/backend.ts';
import { startHttp, startWebSocket } from '../fixtures/backend-web.ts';
import { hashOf, testBytes, testHash, testStream } from '../fixtures/bytes.ts';
import { Transcript } from '../fixtures/transcript.ts';

const exec = promisify(execFile);
const SIZE = 1_000_001;

test('test bytes are the same each time, and no chunk is like another', (t) => {
  t.equal(testHash(SIZE), testHash(SIZE));
  t.not(testHash(SIZE), testHash(SIZE - 1));
  const chunks = [...testBytes(SIZE)];
  t.equal(Buffer.concat(chunks).length, SIZE);
  t.equal(new Set(chunks.map((chunk) => hashOf([chunk]))).size, chunks.length);
  t.end();
});

test('the echo sends back all bytes and ends when the client does', async (t) => {
  const echo = await startEcho(t);
  const socket = connect({ port: echo.port, host: '127.0.0.1', allowHalfOpen: true });
  testStream(SIZE).pipe(socket);
  t.equal(hashOf(await socket.toArray()), testHash(SIZE));
  t.equal(echo.accepted(), 1);
});

test('the source sends its bytes and ends', async (t) => {
  const source = await startSource(t, SIZE);
  t.equal(hashOf(await connect(source.port, '127.0.0.1').toArray()), testHash(SIZE));
});

test('the sink answers a half-closed client with the hash', async (t) => {
  const sink = await startSink(t);
  const socket = connect({ port: sink.port, host: '127.0.0.1', allowHalfOpen: true });
  testStream(SIZE).pipe(socket);
  t.equal(await text(socket), testHash(SIZE));
});

test('closing a backend resets its clients and refuses new ones', async (t) => {
  const silent = await startSilent(t);
  const coming = silent.nextConnection();
  const socket = connect(silent.port, '127.0.0.1');
  await coming;
  t.equal(silent.sockets.size, 1);
  const reset = once(socket, 'error');
  await silent.close();
  t.match(await reset, [{ code: 'ECONNRESET' }]);
  t.match(await once(connect(silent.port, '127.0.0.1'), 'error'), [{ code: 'ECONNREFUSED' }]);
  await silent.close();
});

test('the websocket backend echoes, and wants its token', async (t) => {
  const backend = await startWebSocket(t, { token: 'right' });
  const address = `ws://127.0.0.1:${backend.port}`;
  const client = new WebSocket(address, ['mains.v1', 'mains.token.right']);
  await once(client, 'open');
  t.equal(client.protocol, 'mains.v1', 'the token is not said back');
  client.send('hello');
  const [message] = await once(client, 'message');
  t.equal(String(message), 'hello');
  client.terminate();
  for (const protocols of [['mains.v1', 'mains.token.wrong'], ['mains.v1'], []]) {
    t.match(await once(new WebSocket(address, protocols), 'error'), [{ message: /401/ }], protocols.join());
  }
  t.equal((await fetch(`http://127.0.0.1:${backend.port}/`)).status, 426);
});

test('the websocket backend without a token lets everyone in', async (t) => {
  const backend = await startWebSocket(t);
  const client = new WebSocket(`ws://127.0.0.1:${backend.port}`, ['mains.v1']);
  await once(client, 'open');
  client.terminate();
  t.pass('it opened');
});

test('the http backend gives bytes of unknown length and any status', async (t) => {
  const http = await startHttp(t);
  const base = `http://127.0.0.1:${http.port}`;
  const { stdout } = await exec('curl', ['-sS', '-i', `${base}/bytes/${SIZE}`], { encoding: 'buffer', maxBuffer: 2e6 });
  const cut = stdout.indexOf('\r\n\r\n');
  t.notMatch(stdout.subarray(0, cut).toString(), /content-length|transfer-encoding/i);
  t.equal(hashOf([stdout.subarray(cut + 4)]), testHash(SIZE));
  t.equal((await fetch(`${base}/status/503`)).status, 503);
  t.equal(await (await fetch(`${base}/hello`)).text(), '/hello\n');
});

test('the backend program says what Mains says', async (t) => {
  const main = fileURLToPath(new URL('../fixtures/backend-main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'serve', '--port=0'], {
    env: { MAINS_SERVE_TOKEN: 'abc' },
    stdio: 'pipe',
  });
  t.teardown(() => void child.kill('SIGKILL'));
  const output = new Transcript('backend-main');
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => output.append(chunk));
  const [, port] = await output.waitFor(/^\[serve\] mains backend listening on ws:\/\/127\.0\.0\.1:(\d+)$/m);
  await output.waitFor(/^\[serve\] pairing token: abc$/m);
  const client = new WebSocket(`ws://127.0.0.1:${port}`, ['mains.v1', 'mains.token.abc']);
  await once(client, 'open');
  client.terminate();
});
