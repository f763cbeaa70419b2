import { test } from 'tap';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange, fate, fateOf } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a client waits no longer than hold.time, and is then reset with a reason', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:127.0.0.1:9'], hold: { time: '1s' } } });
  const began = performance.now();
  t.equal(await fateOf(relays.port('r')), 'ECONNRESET');
  t.ok(performance.now() - began >= 950, `after ${Math.round(performance.now() - began)} ms`);
  const refused = await relays.next('the reason', (event) => event.type === 'connection.refused');
  t.match(refused, { fault: { code: 'HOLD_EXPIRED', message: /waited 1 s for r in vain/ } });
  t.match(relays.status('r').counters, { held: 0, open: 0, accepted: 1, refused: 1 });
});

test('no more than hold.connections wait, the next one is reset at once', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: ['0:127.0.0.1:9'], hold: { time: '30s', connections: 3 } },
  });
  const held = await Promise.all([1, 2, 3].map(() => dial(relays.port('r'))));
  t.teardown(() => {
    for (const socket of held) socket.destroy();
  });
  await waitUntil('three are held', () => relays.status('r').counters.held === 3);
  t.equal(await fateOf(relays.port('r'), 2_000), 'ECONNRESET');
  t.match(await relays.next('the reason', (event) => event.type === 'connection.refused'), {
    fault: { code: 'HOLD_FULL' },
  });
  t.equal(await fateOf(relays.port('r'), 2_000), 'ECONNRESET');
  const ends = held.map((socket) => fate(socket));
  await relays.supervisor.stopRelay('r');
  t.strictSame(await Promise.all(ends), ['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
  const { refused, refusedBy } = relays.status('r').counters;
  t.strictSame({ refused, refusedBy }, { refused: 5, refusedBy: { HOLD_FULL: 2, RELAY_STOPPED: 3 } });
});

test('held clients are served in the order in which they came, without those that left', async (t) => {
  const sshd = await startSshd(t);
  const words: string[] = [];
  const backend = await startTcp(t, 0, (socket) => {
    const place = words.push('') - 1;
    socket.on('data', (chunk) => {
      words[place] = String(chunk);
    });
  });
  await sshd.stop();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`], hold: { time: '30s' } },
  });
  const leaver = await dial(relays.port('r'));
  for (let n = 0; n < 5; n += 1) {
    const socket = await dial(relays.port('r'));
    socket.write(`client ${n}`);
    t.teardown(() => socket.destroy());
  }
  leaver.resetAndDestroy();
  await sshd.start();
  // The dial of the target when the link came up is one connection and sends nothing, the five clients are the others.
  await waitUntil('five have spoken', () => words.filter((word) => word !== '').length === 5);
  t.equal(words.length, 6, 'the one that left was not served');
  t.same(
    words.filter((word) => word !== ''),
    ['client 0', 'client 1', 'client 2', 'client 3', 'client 4'],
  );
});

test('a held client that has left is not counted any more while the rest wait, whether it was reset or closed', async (t) => {
  const sshd = await startSshd(t);
  await sshd.stop();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: ['0:127.0.0.1:9'], hold: { time: '5m' } },
  });
  const [reset, closed, asks, sent] = await Promise.all([1, 2, 3, 4].map(() => dial(relays.port('r'))));
  t.teardown(() => asks?.destroy());
  const held = () => relays.status('r').counters.held;
  await waitUntil('four are held', () => held() === 4);
  asks?.end('asked');
  // What it says is to be delivered, though it hears no answer.
  sent?.end('said', () => sent.destroy());
  reset?.resetAndDestroy();
  await waitUntil('the one that was reset is gone', () => held() === 3, { timeout: 8_000 });
  closed?.destroy();
  await waitUntil('the one that closed is gone', () => held() === 2, { timeout: 8_000 });
  t.match(relays.status('r').counters, { open: 0, accepted: 4, refused: 0 });
});

test('a client that already sent its end while it was held still gets its answer', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  await sshd.stop();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '30s' } },
  });
  const answer = exchange(relays.port('r'), 'asked and ended');
  await waitUntil('it is held', () => relays.status('r').counters.held === 1);
  await sshd.start();
  t.equal((await answer).toString(), 'asked and ended');
});

test('a frozen server is noticed within 5 s when a client waits, and the client is served when it thaws', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '30s' } },
  });
  await relays.reach('r', 'connected');
  sshd.pause();
  t.teardown(() => sshd.resume());
  const began = performance.now();
  const answer = exchange(relays.port('r'), 'patient', 40_000);
  const doubted = await relays.next('the doubt', (event) => event.type === 'link.doubted');
  const took = performance.now() - began;
  t.comment(`a frozen server with a waiting client was noticed after ${Math.round(took)} ms`);
  t.ok(took < 4_500, `noticed after ${Math.round(took)} ms`);
  t.match(doubted, {
    fault: { code: 'LINK_SILENT', message: /nothing was heard from .* for [34] s; a second link is made/ },
  });
  // Its worker gives it back a moment later.
  await waitUntil('who waits is held', () => relays.status('r').counters.held === 1);
  t.equal(relays.status('r').standing.word, 'degraded');
  sshd.resume();
  t.equal((await answer).toString(), 'patient');
});

test('a silent link is found dead after interval x (count + 1)', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], keepalive: { interval: '1s', count: 3 } },
  });
  const status = await relays.reach('r', 'connected');
  t.equal(status.lanes[0]?.link?.detect, 4_000);
  const after = relays.supervisor.status().id;
  sshd.pause();
  t.teardown(() => sshd.resume());
  const began = performance.now();
  await relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at !== 'up', after);
  const took = performance.now() - began;
  t.comment(`an idle frozen server was noticed after ${Math.round(took)} ms at 1 s x 3`);
  t.ok(took >= 2_900 && took < 4_500, `noticed after ${Math.round(took)} ms`);
  t.match(relays.status('r').lastFault, { code: 'LINK_SILENT', message: /no answer from .* for [34] s/ });
});
