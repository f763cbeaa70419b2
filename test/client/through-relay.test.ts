import { test } from 'tap';
import { startWebSocket } from '../fixtures/backend-web.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startLedger } from './ledger.ts';
import { watch } from './watch.ts';

test('through a relay whose link is killed again and again, nothing that was queued is lost, and state comes from the backend', async (t) => {
  const sshd = await startSshd(t);
  const ledger = await startLedger(t, { token: 'right' });
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${ledger.port}`] } });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  let told: (state: readonly string[]) => void = () => undefined;
  let known: readonly string[] = [];
  const client = watch(t, {
    url: `ws://127.0.0.1:${port}/`,
    token: 'right',
    onMessage: (message) => told(JSON.parse(String(message))),
    async refetch({ send }) {
      const state = new Promise<readonly string[]>((resolve) => {
        told = resolve;
      });
      send('state');
      known = await state;
    },
  });
  await client.reach('connected');
  const said: string[] = [];
  const say = (text: string): string => {
    said.push(text);
    return client.relay.send(text);
  };
  for (const round of [1, 2, 3]) {
    t.equal(say(`${round}: before`), 'sent');
    await waitUntil('it is written', () => ledger.written.length === said.length);
    sshd.killSessions();
    const { fault } = await client.until('the break is noticed', ({ word }) => word === 'reconnecting');
    t.match(fault, {
      code: 'LINK_LOST',
      message: new RegExp(`^the connection to ws://127\\.0\\.0\\.1:${port}/ was cut`),
    });
    t.equal(say(`${round}: while it was away`), 'queued');
    await client.reach('connected');
    t.same(known, said.slice(0, -1), 'refetch came before what was queued');
  }
  await waitUntil('all is written', () => ledger.written.length === said.length);
  t.same(ledger.written, said);
  t.same(client.words(), [
    'connecting',
    ...Array.from({ length: 3 }, () => ['connected', 'reconnecting']).flat(),
    'connected',
  ]);
  t.equal(relays.port('r'), port, 'on the same port');
});

test('while the host is away the relay holds the client, and serves it when the host is back', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startWebSocket(t, { token: 'right' });
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '1m' } },
  });
  await relays.reach('r', 'connected');
  const client = watch(t, {
    url: `http://127.0.0.1:${relays.port('r')}`,
    token: 'right',
    deadlines: { handshake: 60_000 },
  });
  await client.reach('connected');
  await sshd.stop();
  await waitUntil('the client is held', () => relays.status('r').counters.held === 1);
  client.relay.send('said in the dark');
  t.match(client.relay.status, { word: 'reconnecting', retryAt: null });
  await sshd.start();
  await client.reach('connected');
  await waitUntil('the echo', () => client.messages.includes('said in the dark'));
  t.equal(
    client.statuses.filter(({ word }) => word === 'connected').length,
    2,
    'the one attempt that was held is the one that was served',
  );
});

test('a wrong token through a relay is told from a backend that is down', async (t) => {
  const sshd = await startSshd(t);
  const ledger = await startLedger(t, { token: 'right' });
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${ledger.port}`] } });
  await relays.reach('r', 'connected');
  const url = `ws://127.0.0.1:${relays.port('r')}/`;
  const wrong = watch(t, { url, token: 'wrong' });
  t.equal((await wrong.reach('offline')).fault?.code, 'TOKEN_REFUSED');
  t.equal(ledger.handshakes.length, 1);
  await ledger.close();
  const right = watch(t, { url, token: 'right' });
  t.match((await right.fail('UNREACHABLE')).fault?.message, /^no handshake with ws:.*: see `towline status`$/);
  t.notMatch(JSON.stringify(relays.events), /right|wrong/, 'the daemon has seen no token');
});
