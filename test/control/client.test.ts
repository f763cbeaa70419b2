import { rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { backlogLimit } from '../../src/control/server-sent-events.ts';
import type { Event } from '../../src/core/model/event.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { serve, speak } from './served.ts';

const faultOf = async (act: Promise<unknown>): Promise<Fault> => {
  const error = await act.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Fault) return error;
  throw new Error(`no fault but ${String(error)}`);
};

test('where no daemon runs, or a dead one left its socket, each call says so', async (t) => {
  const path = join(makeTemp(t), 'towline.sock');
  t.equal((await faultOf(openClient(path).status())).code, 'NOT_RUNNING');
  writeFileSync(path, '');
  const fault = await faultOf(openClient(path).status());
  t.match(fault, { code: 'NOT_RUNNING', message: 'no towline daemon runs; start one with `towline up --detach`' });
  t.equal((await faultOf(openClient(path).events(0, AbortSignal.timeout(5_000)).next())).code, 'NOT_RUNNING');
});

test('a daemon that accepts and says nothing is given up', async (t) => {
  const path = join(makeTemp(t), 'towline.sock');
  const server = createServer(() => undefined).listen(path);
  t.teardown(() => server.close());
  const fault = await faultOf(openClient(path, { timeout: 100 }).status());
  t.match(fault, { code: 'NOT_RUNNING', message: /does not answer at .*no answer within 0.1 s/ });
});

test('a fault of the daemon arrives as it was thrown', async (t) => {
  const { folders, supervisor } = await serve(t);
  const client = openClient(folders.socket);
  t.match(await faultOf(client.command('stop', 'nobody')), { code: 'RELAY_UNKNOWN', message: /"nobody"/ });
  t.equal((await client.command('restart', 'dev-box')).name, 'dev-box');
  t.same(supervisor.told, ['restart dev-box']);
});

async function take(events: AsyncGenerator<Event>, count: number): Promise<Event[]> {
  const taken: Event[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

test('events are replayed after a number, then follow live, each once and in order', async (t) => {
  const { folders, supervisor } = await serve(t);
  const leaving = new AbortController();
  const events = openClient(folders.socket).events(1, leaving.signal);
  t.same(
    (await take(events, 2)).map(({ id, type }) => [id, type]),
    [
      [2, 'relay.declared'],
      [3, 'relay.started'],
    ],
  );
  const text = 'größe\n\n東京 🚀'.repeat(20_000);
  supervisor.say({ type: 'relay.warned', relay: 'dev-box', text });
  supervisor.say({ type: 'relay.stopped', relay: 'dev-box' });
  const [warned, stopped] = await take(events, 2);
  t.equal(warned?.type === 'relay.warned' ? warned.text : null, text, 'any text, cut anywhere by the transport');
  t.match(stopped, { id: 5, type: 'relay.stopped' });
  leaving.abort();
  t.equal((await events.next()).done, true);
  await waitUntil('the daemon forgets the reader', () => supervisor.readers() === 0);
});

test('where more is kept than a reader may lag by, he gets the last of it, then what follows', async (t) => {
  const { folders, supervisor } = await serve(t);
  const text = 'x'.repeat(64 * 1024);
  for (let n = 0; n < 40; n += 1) supervisor.say({ type: 'relay.warned', relay: 'dev-box', text });
  const leaving = new AbortController();
  const events = openClient(folders.socket).events(0, leaving.signal);
  const kept = await take(events, 7);
  t.same(
    kept.map(({ id }) => id),
    [37, 38, 39, 40, 41, 42, 43],
  );
  supervisor.say({ type: 'relay.stopped', relay: 'dev-box' });
  t.match((await events.next()).value, { id: 44, type: 'relay.stopped' });
  leaving.abort();
});

test('a number from before a restart of the daemon replays everything', async (t) => {
  const { folders } = await serve(t);
  const leaving = new AbortController();
  const events = openClient(folders.socket).events(900, leaving.signal);
  t.equal((await take(events, 1))[0]?.id, 1);
  leaving.abort();
});

test('an EventSource goes on after its last event, whatever it was opened with, and hears all that another daemon tells', async (t) => {
  const { folders, supervisor } = await serve(t);
  const read = (last: string | null, after: string) =>
    new Promise<readonly string[]>((resolve, reject) => {
      const headers = { host: 'towline', ...(last === null ? {} : { 'last-event-id': last }) };
      const call = get({ socketPath: folders.socket, path: `/v1/events${after}`, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (response.statusCode === 200 && !text.includes('relay.warned')) return;
          call.destroy();
          resolve([...text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id));
        });
        response.on('error', () => undefined);
      });
      call.on('error', reject);
    });
  const numbers = (ids: readonly string[]) => ids.map((id) => Number(id.split('-')[1]));
  supervisor.say({ type: 'relay.warned', relay: 'dev-box', text: 'x' });
  const all = await read(null, '?after=0');
  t.same(numbers(all), [1, 2, 3, 4]);
  const [, second = ''] = all;
  t.same(numbers(await read(second, '?after=0')), [3, 4], 'not everything once more');
  t.same(numbers(await read(null, `?after=${second}`)), [3, 4]);
  t.same(numbers(await read('2', '')), [3, 4], 'a bare number is one of this daemon');
  const old = second.replace(/^[0-9a-f]{12}/, '0123456789ab');
  t.same(numbers(await read(old, '?after=3')), [1, 2, 3, 4], 'our number two is another event');
});

test('the stream ends with the daemon', async (t) => {
  const { folders, control } = await serve(t);
  const events = openClient(folders.socket).events(0, new AbortController().signal);
  t.equal((await take(events, 3)).length, 3);
  await control.close();
  t.equal((await events.next()).done, true);
});

test('a wrong number is refused with its value', async (t) => {
  const { folders } = await serve(t);
  t.match(await faultOf(openClient(folders.socket).events(-1, new AbortController().signal).next()), {
    code: 'USAGE',
    message: /after=-1 is no number/,
  });
  const said = await speak(
    folders.socket,
    'GET /v1/events HTTP/1.1\r\nHost: towline\r\nLast-Event-ID: x-1\r\nConnection: close\r\n\r\n',
  );
  t.match(said, /^HTTP\/1.1 400 .*Last-Event-ID=x-1 is no number; expected 0 or more, or the id of an event/s);
});

test('a reader that never reads is dropped at its bound, and the others do not notice', async (t) => {
  const { folders, supervisor } = await serve(t);
  await openLazyReader(t, folders.socket);
  const leaving = new AbortController();
  const events = openClient(folders.socket).events(3, leaving.signal);
  const first = events.next();
  await waitUntil('both read', () => supervisor.readers() === 2);
  const text = 'x'.repeat(64 * 1024);
  const rounds = 3 * (backlogLimit / text.length);
  for (let round = 0; round < rounds; round += 1) {
    supervisor.say({ type: 'relay.warned', relay: 'dev-box', text });
    await (round === 0 ? first : events.next());
  }
  await waitUntil('the lazy one is dropped', () => supervisor.readers() === 1);
  supervisor.say({ type: 'relay.stopped', relay: 'dev-box' });
  t.match((await events.next()).value, { type: 'relay.stopped' });
  leaving.abort();
});

function openLazyReader(t: Test, path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.write('GET /v1/events?after=3 HTTP/1.1\r\nHost: towline\r\n\r\n');
      resolve();
    });
    socket.on('error', () => undefined);
    socket.pause();
    t.teardown(() => socket.destroy());
  });
}

test('an answer that is no JSON is a fault, not a crash', async (t) => {
  const path = join(makeTemp(t), 'towline.sock');
  const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey')).listen(path);
  t.teardown(() => {
    server.close();
    rmSync(path, { force: true });
  });
  t.equal((await faultOf(openClient(path).status())).code, 'INTERNAL');
});
