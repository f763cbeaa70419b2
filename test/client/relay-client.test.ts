import { once } from 'node:events';
import { inspect } from 'node:util';
import { test } from 'tap';
import { RelayFault } from '../../src/client/node.ts';
import { startSilent } from '../fixtures/backend.ts';
import { freePort } from '../fixtures/port.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { startLedger } from './ledger.ts';
import { watch } from './watch.ts';

const at = ({ port }: { readonly port: number }): string => `ws://127.0.0.1:${port}/`;

test('it connects with the token as a subprotocol, and says so', async (t) => {
  const ledger = await startLedger(t, { token: 'right' });
  const { relay, reach, words } = watch(t, { url: at(ledger), token: 'right' });
  t.match(relay.status, { word: 'connecting', failures: 0, retryAt: null });
  await reach('connected');
  t.same(words(), ['connecting', 'connected']);
  t.same(ledger.handshakes, [{ protocols: 'mains.v1,mains.token.right', path: '/' }]);
  t.equal(relay.send('hello'), 'sent');
  relay.send(new Uint8Array([0x68, 0x69]));
  await waitUntil('both are there', () => ledger.written.length === 2);
  t.same(ledger.written, ['hello', 'hi']);
});

test('the token may go into the query, for backends that want it there', async (t) => {
  const ledger = await startLedger(t, { token: 'a+b=c&d' });
  const { reach } = watch(t, { url: `${at(ledger)}x?y=1`, token: 'a+b=c&d', wire: { in: 'query', name: 'token' } });
  await reach('connected');
  t.same(ledger.handshakes, [{ protocols: '', path: '/x?y=1&token=a%2Bb%3Dc%26d' }]);
});

test('after a break it refetches first, then sends what waited, then says connected', async (t) => {
  const ledger = await startLedger(t);
  const calls: boolean[] = [];
  let told: (state: string[]) => void = () => undefined;
  const client = watch(t, {
    url: at(ledger),
    onMessage: (message) => told(JSON.parse(String(message))),
    async refetch({ first, send }) {
      calls.push(first);
      const state = new Promise<string[]>((resolve) => {
        told = resolve;
      });
      send('state');
      // What comes in meanwhile waits behind it.
      t.equal(client.relay.send(`asked ${calls.length}`), 'queued');
      t.equal(client.relay.status.word, first ? 'connecting' : 'reconnecting');
      seen.push((await state).length);
    },
  });
  const seen: number[] = [];
  await client.reach('connected');
  await waitUntil('the first is written', () => ledger.written.length === 1);
  for (const socket of ledger.clients) socket.terminate();
  t.match(await client.fail('LINK_LOST'), { word: 'reconnecting', failures: 1 });
  t.equal(client.relay.send('while it was away'), 'queued');
  t.equal(client.relay.waiting, 1);
  await client.reach('connected');
  t.equal(client.relay.send('afterwards'), 'sent');
  await waitUntil('all are written', () => ledger.written.length === 4);
  t.same(calls, [true, false]);
  t.same(seen, [0, 1], 'each refetch saw what was there before');
  t.same(ledger.written, ['asked 1', 'while it was away', 'asked 2', 'afterwards']);
  t.same(client.words(), ['connecting', 'connected', 'reconnecting', 'connected']);
});

test('a refused token is named, never sent again, and replaced by retry', async (t) => {
  const ledger = await startLedger(t, { token: 'right' });
  const client = watch(t, { url: at(ledger), token: 'wrong-token' });
  const { fault } = await client.reach('offline');
  t.equal(fault?.code, 'TOKEN_REFUSED');
  t.match(fault?.message, /^ws:\/\/127\.0\.0\.1:\d+\/ refuses the token \(HTTP 401\): take the present one/);
  t.equal(client.relay.send('waits'), 'queued', 'what is said meanwhile waits for the right one');
  client.relay.retry('right');
  await client.reach('connected');
  await waitUntil('it is written', () => ledger.written.length === 1);
  t.equal(ledger.handshakes.length, 2);
  t.notMatch(inspect([client.relay, client.statuses], { depth: 9, showHidden: true }), /wrong-token|mains\.token/);
});

test('a token from a function is asked for anew, and the refused one is not sent twice', async (t) => {
  const ledger = await startLedger(t, { token: 'new' });
  const tokens = ['old', 'old', 'new'];
  const client = watch(t, { url: at(ledger), token: async () => tokens.shift() ?? 'new' });
  t.equal((await client.reach('offline')).fault?.code, 'TOKEN_REFUSED');
  t.equal(ledger.handshakes.length, 1, 'the same token was not tried again');
  client.relay.retry();
  await client.reach('connected');
  for (const socket of ledger.clients) socket.close(4401, 'the token has changed');
  ledger.token = 'newest';
  tokens.push('newest');
  t.match(
    (await client.until('the loss', ({ word }) => word === 'reconnecting')).fault?.message,
    /close code 4401 \(the token has changed\)/,
  );
  await client.reach('connected');
});

test('a token function that fails is asked again', async (t) => {
  const ledger = await startLedger(t, { token: 'right' });
  let calls = 0;
  const client = watch(t, {
    url: at(ledger),
    token() {
      calls += 1;
      if (calls === 1) throw new Error('the keyring is locked');
      return 'right';
    },
  });
  t.match((await client.fail('TOKEN_MISSING')).fault?.cause, { message: 'the keyring is locked' });
  await client.reach('connected');
});

test('what ended a connection, or kept it from coming about, is told apart', async (t) => {
  const ledger = await startLedger(t);
  const client = watch(t, { url: at(ledger), deadlines: { handshake: 300, refetch: 300 } });
  await client.reach('connected');
  for (const socket of ledger.clients) socket.close(1012, 'restart');
  t.match(
    (await client.fail('CLOSED')).fault?.message,
    /closed the connection with code 1012 \(restart\): it comes back/,
  );
  await client.reach('connected');
  ledger.refuseWith = 404;
  for (const socket of ledger.clients) socket.terminate();
  t.match(
    (await client.fail('HANDSHAKE_REFUSED')).fault?.message,
    /answered the handshake with HTTP 404: check its path/,
  );
  ledger.mute = true;
  t.match((await client.fail('HANDSHAKE_TIMEOUT')).fault?.message, /did not answer the handshake within 300 ms/);

  const nobody = watch(t, { url: `ws://127.0.0.1:${await freePort()}/?secret=1` });
  const { fault } = await nobody.fail('UNREACHABLE');
  t.match(fault?.message, /no handshake with ws:\/\/127\.0\.0\.1:\d+\/ \(connect ECONNREFUSED/);
  t.notMatch(fault?.message, /secret/);
});

test('a refetch that fails, or never ends, is a connection that failed', async (t) => {
  const ledger = await startLedger(t);
  let call = 0;
  const aborted: boolean[] = [];
  const client = watch(t, {
    url: at(ledger),
    deadlines: { refetch: 200 },
    refetch({ signal }) {
      call += 1;
      signal.addEventListener('abort', () => aborted.push(signal.aborted));
      if (call === 1) throw new Error('the answer was 500');
      return call === 2 ? new Promise(() => undefined) : undefined;
    },
  });
  t.match((await client.fail('REFETCH_FAILED')).fault?.cause, { message: 'the answer was 500' });
  const late = ({ fault }: { readonly fault: RelayFault | null }): boolean =>
    /200 ms/.test(String((fault?.cause as Error)?.message));
  t.match((await client.until('the second fails', late)).fault?.message, /was not done within 200 ms/);
  await client.reach('connected');
  t.same(aborted, [true, true], 'what they fetch is told to stop');
  t.same(client.words(), ['connecting', 'connected'], 'it was never called connected before');
});

test('a socket that is dead is noticed by an unanswered ping, and by silence where nothing can be sent', async (t) => {
  const ledger = await startLedger(t);
  const client = watch(t, { url: at(ledger), heartbeat: { every: 30, within: 200 } });
  await client.reach('connected');
  await once([...ledger.clients][0] ?? t, 'ping');
  t.equal(client.relay.status.word, 'connected', 'an answered ping is a sign of life');
  ledger.mute = true;
  t.match((await client.fail('SILENT')).fault?.message, /^nothing came for \d+ ms: the connection is given up/);

  const other = await startLedger(t);
  const asking = watch(t, { url: at(other), heartbeat: { every: 30, within: 200, ping: () => 'state' } });
  await asking.reach('connected');
  await waitUntil('a message of ours is the ping', () => asking.messages.length > 2);
  other.mute = true;
  await asking.fail('SILENT');
  t.ok(asking.messages.every((message) => message === '[]'));
});

test('the queue has a bound, and what is beyond it is told and not taken', async (t) => {
  const silent = await startSilent(t);
  const client = watch(t, { url: at(silent), queue: { messages: 3, bytes: 10 } });
  const buffer = new Uint8Array([97, 98]);
  t.equal(client.relay.send('ü'), 'queued');
  t.equal(client.relay.send(buffer), 'queued');
  t.equal(client.relay.send(buffer.buffer), 'queued');
  buffer.fill(0);
  t.throws(() => client.relay.send('c'), {
    code: 'QUEUE_FULL',
    message: /3 messages wait already.*\(queue\.messages\)/,
  });
  const taken = client.relay.close();
  t.equal(taken[0], 'ü');
  t.same(taken[1], new Uint8Array([97, 98]), 'bytes were copied');
  t.same(new Uint8Array(taken[2] as ArrayBuffer), new Uint8Array([97, 98]));
  t.same(client.relay.close(), [], 'they are handed back once');
  t.throws(() => client.relay.send('late'), { code: 'CLIENT_CLOSED' });
  t.throws(() => client.relay.retry(), { code: 'CLIENT_CLOSED' });

  const second = watch(t, { url: at(silent), queue: { bytes: 10 } });
  second.relay.send('12345678');
  t.throws(() => second.relay.send('üü'), {
    code: 'QUEUE_FULL',
    message: /4 bytes and the 8 that wait.*10 \(queue\.bytes\)/,
  });
  // @ts-expect-error an object is no message
  t.throws(() => second.relay.send({}), {
    code: 'MESSAGE_UNUSABLE',
    message: /not \[object Object\]: use JSON\.stringify/,
  });
});

test('what is sent to a backend that does not read is bounded too', async (t) => {
  const ledger = await startLedger(t);
  const client = watch(t, { url: at(ledger), queue: { bytes: 4 * 1024 * 1024 }, heartbeat: null });
  await client.reach('connected');
  for (const socket of ledger.sockets) socket.pause();
  const mebibyte = new Uint8Array(1024 * 1024);
  let sent = 0;
  t.throws(
    () => {
      for (; sent < 1_000; sent += 1) client.relay.send(mebibyte);
    },
    { code: 'QUEUE_FULL' },
  );
  t.ok(sent >= 4 && sent < 100, `${sent} MiB were taken`);
});

test('a backend that hangs up at once is asked ever more slowly', async (t) => {
  const ledger = await startLedger(t);
  const waits: number[] = [];
  const client = watch(t, {
    url: at(ledger),
    onStatus(status) {
      if (status.word === 'connected') for (const socket of ledger.clients) socket.terminate();
      else if (status.word !== 'offline' && status.retryAt !== null) waits.push(status.retryAt - Date.now());
    },
  });
  await client.until(
    'three failures',
    (now) => now.word === 'reconnecting' && now.failures === 3 && now.retryAt !== null,
  );
  t.equal(waits.length, 3);
  t.ok(
    waits.every((wait, index) => wait <= 500 * 2 ** index && wait > 370 * 2 ** index),
    waits.join(', '),
  );
});

test('close ends it for good, also while it waits or connects, and lets the process go', async (t) => {
  const ledger = await startLedger(t);
  const client = watch(t, { url: at(ledger) });
  await client.reach('connected');
  const gone = once([...ledger.clients][0] ?? t, 'close');
  client.relay.close();
  t.same(client.relay.status, { word: 'offline', fault: null });
  t.equal((await within('the goodbye', gone))[0], 1000);

  const waiting = watch(t, { url: `ws://127.0.0.1:${await freePort()}/` });
  await waiting.fail('UNREACHABLE');
  const count = waiting.statuses.length;
  waiting.relay.close();
  t.equal(waiting.statuses.length, count + 1);

  const early = watch(t, { url: at(ledger), onStatus: ({ word }) => word === 'connecting' && early.relay.close() });
  t.same(early.statuses, [], 'no listener is called before there is a client');
  await early.reach('offline');
  t.same(early.words(), ['connecting', 'offline']);
  t.equal(ledger.handshakes.length, 1);
});

test('a listener that throws harms nobody but itself', async (t) => {
  const ledger = await startLedger(t);
  const thrown: unknown[] = [];
  const catching = (error: unknown): void => void thrown.push(error);
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', catching);
  t.teardown(() => {
    process.off('uncaughtException', catching);
    for (const listener of before) process.on('uncaughtException', listener);
  });
  const client = watch(t, {
    url: at(ledger),
    onStatus: ({ word }) => {
      if (word === 'connected') throw new Error('a bug of the UI');
    },
  });
  await client.reach('connected');
  await waitUntil('it is told as uncaught', () => thrown.length === 1);
  t.match(thrown, [{ message: 'a bug of the UI' }]);
  t.equal(client.relay.send('goes on'), 'sent');
});

test('an address or a token that cannot be used is told at once, and never shown', async (t) => {
  t.throws(() => watch(t, { url: 'mailto:me' }), { code: 'ADDRESS_INVALID', message: /must be like ws:\/\/127/ });
  t.throws(() => watch(t, {}), { code: 'ADDRESS_INVALID' }, 'outside of a page there is none to be taken over');
  t.throws(() => watch(t, { url: 'ws://me:hunter2@127.0.0.1/' }), { message: /^(?!.*hunter2).*user or password/ });
  const client = watch(t, { url: 'ws://127.0.0.1:9', token: 'with blank' });
  const { fault } = await client.reach('offline');
  t.ok(fault instanceof RelayFault);
  t.match(fault, { code: 'TOKEN_UNUSABLE', message: /^(?!.*with blank)/ });
});

test('a hint tells a refused token where the handshake does not', async (t) => {
  const silent = await freePort();
  const asked: (string | null)[] = [];
  const client = watch(t, {
    url: `ws://127.0.0.1:${silent}`,
    token: 'old',
    async hint({ token }) {
      asked.push(token);
      if (asked.length === 1) throw new Error('it is away, too');
      return 403;
    },
  });
  t.match((await client.reach('offline')).fault?.message, /refuses the token \(HTTP 403\)/);
  t.same(asked, ['old', 'old'], 'a hint that fails proves nothing');
});
