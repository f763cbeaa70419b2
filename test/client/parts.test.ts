import { test } from 'tap';
import { addressOf, mainsWire, parseAddress } from '../../src/client/address.ts';
import { askHint } from '../../src/client/hint.ts';
import { backoff } from '../../src/client/backoff.ts';
import { defaultRefusals, judge } from '../../src/client/judge.ts';
import { Outbox } from '../../src/client/outbox.ts';
import { Pulse } from '../../src/client/pulse.ts';
import type { End } from '../../src/client/socket.ts';
import { freePort } from '../fixtures/port.ts';
import { startLedger } from './ledger.ts';
import { watchReturn } from '../../src/client/surroundings.ts';

test('waits begin at 500 ms, double to 10 s, and stay there less up to a quarter', (t) => {
  const row = (random: number): number[] =>
    [1, 2, 3, 4, 5, 6, 7, 1_000_000].map((failures) => backoff(failures, random));
  t.same(row(0), [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  t.same(row(0.999_999), [375, 750, 1_500, 3_000, 6_000, 7_500, 7_500, 7_500]);
  t.end();
});

test('an address may be relative to the page, whose own query never comes along', (t) => {
  const page = 'https://box.test/app/index.html?token=secret#x';
  for (const [url, base, expected] of [
    [undefined, page, 'wss://box.test/'],
    ['/ws?x=1', page, 'wss://box.test/ws?x=1'],
    ['ws', page, 'wss://box.test/app/ws'],
    ['', page, 'wss://box.test/app/'],
    ['http://127.0.0.1:8787', undefined, 'ws://127.0.0.1:8787/'],
    ['ws://[::1]:8787/a#b', page, 'ws://[::1]:8787/a'],
    [new URL('wss://x.test'), undefined, 'wss://x.test/'],
    ['ws+unix:/run/user/1/a.sock:/path', undefined, 'ws+unix:/run/user/1/a.sock:/path'],
  ] as const) {
    t.equal(parseAddress(url, base).href, expected);
  }
  for (const url of ['ws:', 'mailto:x', 'nonsense', '127.0.0.1:8787', 'javascript:alert(1)', 'file:///etc/passwd']) {
    t.throws(() => parseAddress(url, undefined), { code: 'ADDRESS_INVALID' }, url);
  }
  t.end();
});

test('a subprotocol carries what RFC 6455 lets it, and nothing else', (t) => {
  const url = new URL('ws://h/?old=1');
  t.same(addressOf(url, mainsWire, 'A-z_0~.'), {
    url: 'ws://h/?old=1',
    protocols: ['mains.v1', 'mains.token.A-z_0~.'],
    shown: 'ws://h/',
  });
  t.same(addressOf(url, mainsWire, null).protocols, ['mains.v1']);
  for (const token of ['a b', 'a=', 'a,b', 'a/b', '"a"', 'ä', '\n', 'a\u0000']) {
    t.throws(() => addressOf(url, mainsWire, token), { code: 'TOKEN_UNUSABLE' }, JSON.stringify(token));
    t.equal(new URL(addressOf(url, { in: 'query', name: 't' }, token).url).searchParams.get('t'), token);
  }
  t.throws(() => addressOf(url, { in: 'subprotocol', protocols: ['a', 'a'], before: '' }, null), {
    code: 'TOKEN_UNUSABLE',
  });
  t.end();
});

test('with the token in the query the same address by HTTP is the hint; without, nobody is asked', async (t) => {
  const ledger = await startLedger(t, { token: 'right' });
  const wire = { in: 'query', name: 'token' } as const;
  const { signal } = new AbortController();
  const ask = (port: number, token: string): Promise<string | null> =>
    askHint({ wire }, addressOf(new URL(`ws://127.0.0.1:${port}/`), wire, token), token, signal);
  t.equal(await ask(ledger.port, 'wrong'), 'HTTP 401');
  t.equal(await ask(ledger.port, 'right'), null, '426 says nothing about the token');
  t.equal(await ask(await freePort(), 'right'), null);
  const before = ledger.accepted();
  t.equal(
    await askHint({}, addressOf(new URL(`ws://127.0.0.1:${ledger.port}/`), mainsWire, 'wrong'), 'wrong', signal),
    null,
  );
  t.equal(ledger.accepted(), before);
});

test('each end of a socket has its meaning', (t) => {
  const closed = (code: number, text = ''): End => ({ how: 'closed', code, text });
  for (const [end, opened, code] of [
    [{ how: 'refused', status: 401 }, false, 'TOKEN_REFUSED'],
    [{ how: 'refused', status: 403 }, false, 'TOKEN_REFUSED'],
    [{ how: 'refused', status: 426 }, false, 'HANDSHAKE_REFUSED'],
    [{ how: 'refused', status: 503 }, false, 'HANDSHAKE_REFUSED'],
    [closed(1006), false, 'UNREACHABLE'],
    [closed(4401), false, 'UNREACHABLE'],
    [closed(1006), true, 'LINK_LOST'],
    [closed(1000), true, 'CLOSED'],
    [closed(1008, 'too fast'), true, 'CLOSED'],
    [closed(3000), true, 'TOKEN_REFUSED'],
    [closed(4401), true, 'TOKEN_REFUSED'],
  ] as const) {
    const fault = judge(end, { opened, shown: 'ws://h/', hasToken: true, refusals: defaultRefusals });
    t.equal(fault.code, code, fault.message);
  }
  t.match(
    judge({ how: 'refused', status: 401 }, { opened: false, shown: 'ws://h/', hasToken: false, refusals: [] }).message,
    /^ws:\/\/h\/ wants a token/,
  );
  t.end();
});

test('what a socket does not take stays in the outbox, in order', (t) => {
  const outbox = new Outbox({ bytes: 4 });
  for (const message of ['a', 'b', 'c']) outbox.add(message, 1);
  const sent: unknown[] = [];
  outbox.empty((message) => message !== 'b' && sent.push(message) > 0);
  t.same(sent, ['a']);
  t.equal(outbox.count, 2);
  outbox.add('dd', 2);
  t.throws(() => outbox.add('e', 1), { code: 'QUEUE_FULL' });
  t.same(outbox.take(), ['b', 'c', 'dd']);
  outbox.add('four', 4);
  t.end();
});

test('a page that was frozen is no dead connection: what waits to be read is read first', async (t) => {
  const asked: number[] = [];
  let dead = false;
  await new Promise<void>((resolve) => {
    const pulse = new Pulse({
      every: 1,
      within: 20,
      ping() {
        asked.push(performance.now());
        if (asked.length > 1) {
          pulse.stop();
          return resolve();
        }
        // Nothing of this process runs while the answer comes; the deadline has long passed when it is read.
        setTimeout(() => {
          const thaw = performance.now() + 1_200;
          while (performance.now() < thaw);
          // The first of these comes before the timers are looked at again, the second after.
          setImmediate(() => setImmediate(() => pulse.heard()));
        }, 1);
      },
      dead: () => {
        dead = true;
        resolve();
      },
    });
  });
  t.equal(dead, false);
  t.equal(asked.length, 2, 'it was asked again in its time');
});

test('the network, and a page that is shown, call back until nobody listens', (t) => {
  let visibilityState = 'hidden';
  const target = new EventTarget();
  const page = {
    document: {
      get visibilityState() {
        return visibilityState;
      },
      baseURI: 'http://h/',
      addEventListener: target.addEventListener.bind(target),
      removeEventListener: target.removeEventListener.bind(target),
    },
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  };
  let calls = 0;
  const stop = watchReturn(() => {
    calls += 1;
  }, page);
  const say = (name: string): number => {
    target.dispatchEvent(new Event(name));
    return calls;
  };
  t.equal(say('online'), 1);
  t.equal(say('visibilitychange'), 1, 'one that is hidden does not');
  visibilityState = 'visible';
  t.equal(say('visibilitychange'), 2);
  stop();
  t.equal(say('online') + say('visibilitychange'), 4);
  t.end();
});
