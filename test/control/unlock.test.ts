import { connect } from 'node:net';
import { test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import type { UnlockMessage } from '../../src/control/unlock-message.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { Secret } from '../../src/core/model/secret.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { serve, speak } from './served.ts';

const head = (path: string, type: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: towline\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;

test('who unlocks is there until he leaves, and hears what becomes of the relay', async (t) => {
  const { folders, supervisor } = await serve(t);
  const leaving = new AbortController();
  const heard: UnlockMessage[] = [];
  const stream = openClient(folders.socket).unlock('dev-box', leaving.signal);
  const reading = (async () => {
    for await (const message of stream) heard.push(message);
  })();
  await waitUntil('he is there', () => supervisor.told.includes('start dev-box'));
  t.same(supervisor.told, ['attend dev-box', 'start dev-box'], 'first he is there, then it tries');
  const fault = new Fault('NEEDS_ANSWER', 'asks', { detail: { about: 'x' } }).report();
  const tries = { of: 'never', count: 1, flaps: 0 } as const;
  const state = { at: 'blocked', attempt: 1, tries, until: null, fault, before: false } as const;
  supervisor.say({ type: 'worker.said', relay: 'dev-box', text: 'noise', count: 0 });
  supervisor.say({ type: 'lane.changed', relay: 'dev-box', lane: 0, state });
  supervisor.say({ type: 'lane.changed', relay: 'dev-box', lane: 0, state });
  await waitUntil('the standing came', () => heard.length > 0);
  leaving.abort();
  await reading;
  await waitUntil('he has left', () => supervisor.told.includes('leave dev-box'));
  t.match(heard, [{ type: 'standing', word: 'blocked', trying: false, fault: { code: 'NEEDS_ANSWER' } }]);
  t.equal(heard.length, 1, 'what changes nothing is not said');
});

test('a relay that is up already says so at once, for nothing may change any more', async (t) => {
  const { folders, supervisor } = await serve(t);
  const tries = { of: 'never', count: 0, flaps: 0 } as const;
  const state = { at: 'up', since: 1, attempt: 1, tries, backing: null, beside: null, vain: [] } as const;
  supervisor.say({ type: 'lane.changed', relay: 'dev-box', lane: 0, state });
  const stream = openClient(folders.socket).unlock('dev-box', new AbortController().signal);
  const { value } = await within('the first word', stream.next());
  t.match(value, { type: 'standing', trying: false });
  await stream.return(undefined);
});

test('an unknown relay is not unlocked', async (t) => {
  const { folders, supervisor } = await serve(t);
  const stream = openClient(folders.socket).unlock('dev-bax', new AbortController().signal);
  await t.rejects(stream.next(), { code: 'RELAY_UNKNOWN', message: /dev-box/ });
  t.same(supervisor.told, []);
});

test('who asks behind another request of his connection is not there, for nobody would hear that he leaves', async (t) => {
  const { folders, supervisor } = await serve(t);
  const request = (line: string) => `${line} HTTP/1.1\r\nHost: towline\r\n\r\n`;
  const streams = request('GET /v1/events') + request('POST /v1/relays/dev-box/unlock') + request('GET /v1/events');
  const socket = connect(folders.socket, () => socket.write(streams + request('POST /v1/relays/dev-box/stop')));
  await waitUntil('all were heard', () => supervisor.told.includes('stop dev-box'));
  socket.destroy();
  await waitUntil('nobody reads', () => supervisor.readers() === 0);
  t.same(supervisor.told, ['stop dev-box']);
  const [first, second] = ['POST /v1/relays/dev-box/restart', 'POST /v1/relays/dev-box/unlock'];
  const closing = request('GET /v1/version').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
  const said = await speak(folders.socket, request(first) + request(second) + closing);
  t.match(
    said,
    /^HTTP\/1.1 200 .*HTTP\/1.1 400 .*"code":"USAGE","message":"events behind .* a connection of their own/s,
  );
  t.same(supervisor.told, ['stop dev-box', 'restart dev-box']);
});

test('answers arrive as secrets, with their time', async (t) => {
  const { folders, supervisor } = await serve(t);
  const client = openClient(folders.socket);
  await client.answer(7, [new Secret('correct horse'), new Secret('')], 60_000);
  await client.answer(8, [new Secret('x')], null);
  await client.answer(9, null, null);
  t.same(supervisor.told, ['answer 7 [secret],[secret] 60000', 'answer 8 [secret] undefined', 'decline 9']);
});

test('what is no answer is refused without a word of it', async (t) => {
  const { folders, supervisor } = await serve(t);
  const bodies = [
    'canary-1234',
    '"canary-1234"',
    'null',
    '{"answers":"canary-1234"}',
    '{"answers":["canary-1234",7]}',
    '{"answer":["canary-1234"]}',
    `{"answers":["canary-1234${'x'.repeat(20_000)}"]}`,
    '{"answers":["canary-1234"],"for":"8h"}',
    '{"answers":["canary-1234"],"for":-1}',
    '{"answers":["canary-1234"],"for":1.5}',
    '{"answers":["canary-1234"',
  ];
  for (const body of bodies) {
    const said = await speak(
      folders.socket,
      head('/v1/questions/1', 'application/json', Buffer.byteLength(body)) + body,
    );
    t.match(said, /^HTTP\/1.1 400 /, body.slice(0, 40));
    t.match(said, /"code":"USAGE"/);
    t.notMatch(said, /canary/);
  }
  const body = '{"answers":["canary-1234"]}';
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
    t.match(
      await speak(folders.socket, head('/v1/questions/1', type, body.length) + body),
      /^HTTP\/1.1 400 .*as application\/json/s,
    );
  }
  t.match(
    await speak(folders.socket, head('/v1/questions/one', 'application/json', body.length) + body),
    /question=one is no number/,
  );
  t.same(supervisor.told, []);
});
