import { once } from 'node:events';
import { fork } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { abort, rawHandle } from '../../../src/core/socket/raw-handle.ts';
import { dial, fate, readAll } from '../../fixtures/client.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

/** Accepts one client as the supervisor does, and hands it to a process that runs `code` with `socket`. */
async function handOver(t: Owner, listen: number | string, code: string, plain = false) {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(listen);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const file = join(makeTemp(t, 'child'), 'child.mjs');
  const from = new URL('../../../src/core/socket/raw-handle.js', import.meta.url).href;
  writeFileSync(
    file,
    `import { socketFrom, unread } from ${JSON.stringify(from)};
process.on('message', (_, handle) => { const socket = socketFrom(handle, ${plain}); socket.on('error', () => {}); ${code} });
process.on('disconnect', () => process.exit());`,
  );
  const child = fork(file);
  t.teardown(() => child.kill('SIGKILL'));
  const address = server.address();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = await dial(typeof address === 'object' && address !== null ? address.port : listen);
  t.teardown(() => client.destroy());
  const kept = await accepted;
  kept.on('error', () => undefined);
  const handle = rawHandle(kept);
  if (handle === null) throw new Error('an accepted socket has its handle');
  child.send('take', handle, { keepOpen: true });
  return { client, child, kept };
}

const echoAfterEnd =
  "let got = ''; socket.on('data', (c) => { got += c; }); socket.on('end', () => socket.end('got ' + got.length)); socket.resume();";

test('a handle that was handed over is half-open, reads nothing by itself, and loses no byte', async (t) => {
  const { client } = await handOver(t, 0, `setTimeout(() => { ${echoAfterEnd} }, 100);`);
  client.write('early');
  client.end('x'.repeat(1_000_000));
  t.equal(String(await within('the answer', readAll(client))), 'got 1000005');
});

test('a plain one is read as any stream: what comes before its first listener is kept, and for await leaves it to be written to', async (t) => {
  const codes = [
    `unread(socket).read(0); setTimeout(() => { ${echoAfterEnd.replace(' socket.resume();', '')} }, 100);`,
    `(async () => {
      let got = '';
      for await (const chunk of unread(socket)) got += chunk;
      setImmediate(() => socket.end('got ' + got.length));
    })();`,
  ];
  for (const code of codes) {
    const { client } = await handOver(t, 0, code, true);
    client.write('early');
    client.end('x'.repeat(1_000_000));
    t.equal(String(await within('the answer', readAll(client))), 'got 1000005');
  }
});

test('a Unix socket is handed over in the same way', async (t) => {
  const { client } = await handOver(t, join(makeTemp(t, 'unix'), 's'), echoAfterEnd);
  client.end('hello');
  t.equal(String(await within('the answer', readAll(client))), 'got 5');
});

test('after kill -9 of its owner a connection ends with a reset, because the kept copy is reset', async (t) => {
  const { client, child, kept } = await handOver(t, 0, "socket.write('half of it'); socket.resume();");
  await once(client, 'data');
  const end = fate(client);
  child.kill('SIGKILL');
  await once(child, 'exit');
  abort(kept);
  t.equal(await within('the end', end), 'ECONNRESET');
});

test('a Unix socket client sees the end of the stream when it is aborted', async (t) => {
  const { client, kept, child } = await handOver(
    t,
    join(makeTemp(t, 'unix'), 's'),
    "socket.write('half'); socket.resume();",
  );
  await once(client, 'data');
  const end = fate(client);
  child.kill('SIGKILL');
  await once(child, 'exit');
  abort(kept);
  // Linux says ECONNRESET where the aborted end had bytes that nobody had read (unix(7)), else the end of the stream.
  t.match(await within('the end', end), /^(end|ECONNRESET)$/);
});
