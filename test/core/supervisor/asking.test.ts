import { readFileSync, writeFileSync } from 'node:fs';
import type { AuthContext } from 'ssh2';
import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';
import type { AskedQuestion } from '../../../src/core/supervisor/logins/attendant.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { messagesIn, startRecorder } from '../../fixtures/recorder.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { addSettings } from '../../fixtures/sshd-client.ts';
import { supervise, type Supervised } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** Answers nothing by itself: the questions that were put to it. */
function attend({ supervisor }: Supervised, relay: string | null): AskedQuestion[] {
  const asked: AskedQuestion[] = [];
  supervisor.questions.attend(relay, { asked: (question) => void asked.push(question), over: () => undefined });
  return asked;
}

test('logins that wait for a person keep no other relay from the same host', async (t) => {
  const server = await startRogue(t, {
    login: (context: AuthContext) => {
      if (context.username === 'free') return context.accept();
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      context.prompt([{ prompt: 'Code: ', echo: false }], () => context.accept());
    },
  });
  const forwards = ['0:127.0.0.1:9'];
  const asking = ['a', 'b', 'c', 'd'];
  const relays = await supervise(t, server, {
    ...Object.fromEntries(asking.map((name) => [name, { host: `${name}@test`, forwards }])),
    free: { host: 'free@test', forwards, start: false },
  });
  for (const name of asking) await relays.reach(name, 'blocked');
  const asked = attend(relays, null);
  for (const name of asking) await relays.supervisor.startRelay(name);
  await waitUntil('all four wait', () => asked.length === 4);
  await relays.supervisor.startRelay('free');
  await relays.next('it is let in', (event) => event.type === 'link.opened' && event.relay === 'free');
  t.match(relays.status('a').standing, { word: 'connecting', reason: 'waiting for an answer, attempt 2' });
  for (const { id } of asked) relays.supervisor.questions.answer(id, [new Secret('x')]);
  for (const name of asking) {
    if (relays.status(name).lanes[0]?.link === null) {
      await relays.next('it is let in', (event) => event.type === 'link.opened' && event.relay === name);
    }
  }
  t.equal(server.logins(), 5);
});

test('a password that has changed is sent once by all relays together, and the new one serves them all', async (t) => {
  let right = 'old';
  const tried: string[] = [];
  const sockets = new Set<() => void>();
  const server = await startRogue(t, {
    login: (context) => {
      if (context.method !== 'password') return context.reject(['password']);
      tried.push(context.password);
      if (context.password === right) context.accept();
      else context.reject(['password']);
    },
    welcome: (_client, _innards, socket) => void sockets.add(() => socket.destroy()),
  });
  const echo = await startEcho(t);
  const names = ['a', 'b', 'c'];
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, server, Object.fromEntries(names.map((name) => [name, relay])));
  const linked = (name: string) => relays.status(name).lanes[0]?.state.at === 'up';
  for (const name of names) await relays.reach(name, 'blocked');
  const asked = attend(relays, 'a');
  await relays.supervisor.startRelay('a');
  await waitUntil('it is asked', () => asked.length === 1);
  relays.supervisor.questions.answer(asked[0]?.id ?? 0, [new Secret('old')]);
  await waitUntil('all are in', () => names.every(linked));
  t.same(tried, ['old', 'old', 'old'], 'asked once, used by each');

  right = 'new';
  tried.length = 0;
  for (const cut of sockets) cut();
  await waitUntil('its person is asked again', () => asked.length === 2);
  t.same(tried, ['old'], 'the wrong one was sent once');
  relays.supervisor.questions.answer(asked[1]?.id ?? 0, [new Secret('new')]);
  await waitUntil('all are in again', () => names.every(linked));
  t.same(tried, ['old', 'new', 'new', 'new']);
});

test('a relay that is stopped while it asks takes its question back', async (t) => {
  const server = await startRogue(t, {
    login: (context) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      context.prompt([{ prompt: 'Code: ', echo: false }], () => context.accept());
    },
  });
  const relays = await supervise(t, server, { r: { host: 'test', forwards: ['0:127.0.0.1:9'] } });
  await relays.reach('r', 'blocked');
  const asked = attend(relays, 'r');
  await relays.supervisor.startRelay('r');
  await waitUntil('it asks', () => asked.length === 1);
  await relays.supervisor.stopRelay('r');
  t.throws(() => relays.supervisor.questions.answer(asked[0]?.id ?? 0, [new Secret('x')]), { code: 'USAGE' });
  t.match(relays.events.filter(({ type }) => type === 'question.unanswered').at(-1), { why: 'withdrawn', relay: 'r' });
});

test('two lanes of a relay, and relays that share a link, need one answer', async (t) => {
  const server = await startRogue(t, {
    login: (context) => {
      if (context.method !== 'password') return context.reject(['password']);
      if (context.password === 'right') context.accept();
      else context.reject(['password']);
    },
  });
  const forwards = ['0:127.0.0.1:9'];
  const shared = { host: 'test', forwards, isolation: 'shared' };
  const relays = await supervise(t, server, {
    two: { host: 'test', forwards, lanes: 2 },
    s1: shared,
    s2: shared,
  });
  for (const name of ['two', 's1', 's2']) await relays.reach(name, 'blocked');
  const asked = attend(relays, 's2');
  await relays.supervisor.startRelay('s2');
  await waitUntil('it is asked', () => asked.length === 1);
  relays.supervisor.questions.answer(asked[0]?.id ?? 0, [new Secret('right')]);
  const up = (name: string) => relays.status(name).lanes.every(({ state }) => state.at === 'up');
  await waitUntil('all lanes are up', () => ['two', 's1', 's2'].every(up));
  t.equal(asked.length, 1);
  t.equal(server.logins(), 3, 'two lanes and one shared link');
});

test('a host that is another one now gets nothing of what was told to the first, nor of what its clients send', async (t) => {
  const tried: string[] = [];
  const login = (context: AuthContext) => {
    if (context.method !== 'password') return context.reject(['password']);
    tried.push(context.password);
    context.accept();
  };
  const [first, other] = [await startRogue(t, { login }), await startRogue(t, { login })];
  const recorder = await startRecorder(t, first.port);
  const known = readFileSync(first.knownHostsFile, 'utf8').replace(String(first.port), String(recorder.port));
  writeFileSync(first.knownHostsFile, known);
  addSettings(first, `Port ${recorder.port}`);
  const relays = await supervise(t, first, { r: { host: 'test', forwards: ['0:127.0.0.1:9'] } });
  await relays.reach('r', 'blocked');
  const asked = attend(relays, null);
  await relays.supervisor.startRelay('r');
  await waitUntil('it is asked', () => asked.length === 1);
  relays.supervisor.questions.answer(asked[0]?.id ?? 0, [new Secret('horse')]);
  await relays.next('it is in', (event) => event.type === 'link.opened');
  t.same(tried, ['horse']);

  recorder.redirect(other.port);
  t.match((await relays.reach('r', 'blocked')).standing.fault, { code: 'HOST_KEY_CHANGED' });
  // KEXINIT, KEX_ECDH_INIT, DISCONNECT: in clear, and nothing behind them.
  t.strictSame(messagesIn(await recorder.take()), [20, 30, 1]);
  await t.rejects(exchange(relays.port('r'), 'a pairing token'), { code: 'ECONNRESET' });
  const { id } = relays.supervisor.status();
  await relays.supervisor.startRelay('r');
  await relays.next(
    'it is refused again',
    (event) => event.type === 'lane.changed' && event.state.at === 'blocked',
    id,
  );
  t.strictSame(messagesIn(await recorder.take()), [20, 30, 1], 'also where its user insists');
  t.equal(other.attempts(), 0, 'nobody asked to be let in');
  t.same([tried, asked.length], [['horse'], 1]);
});
