import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho, startSource } from '../../fixtures/backend.ts';
import { testHash } from '../../fixtures/bytes.ts';
import { dial, exchange, fate, fateOf } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { type Supervised, supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

async function openEcho(port: number): Promise<Socket> {
  const socket = await dial(port);
  socket.write('x');
  await once(socket, 'data');
  return socket;
}

const types = ({ events }: Supervised, relay: string) =>
  events.filter((event) => 'relay' in event && event.relay === relay).map(({ type }) => type);

test('relays come, go and change, and an unchanged one keeps worker, link, port and every byte', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const size = 64 * 1024 * 1024;
  const source = await startSource(t, size);
  const still = { host: 'test', forwards: [`0:127.0.0.1:${source.port}`] };
  const other = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { still, changed: other, gone: other });
  for (const name of ['still', 'changed', 'gone']) await relays.reach(name, 'connected');
  const [worker, port, gone] = [relays.worker('still'), relays.port('still'), relays.port('gone')];
  const stream = await dial(port);
  const hash = createHash('sha256');
  stream.on('data', (chunk: Buffer) => hash.update(chunk));
  const end = once(stream, 'end');
  const before = relays.events.length;
  for (let round = 0; round < 6; round += 1) {
    const odd = round % 2 === 0;
    const news = await relays.reload({
      still,
      changed: { ...other, drain: odd ? '1s' : '2s' },
      ...(odd ? { fresh: other } : { gone: other }),
    });
    t.strictSame(news.unchanged, ['still']);
    t.strictSame(
      [news.added, news.removed, news.changed],
      odd ? [['fresh'], ['gone'], ['changed']] : [['gone'], ['fresh'], ['changed']],
    );
    await relays.reach('changed', 'connected');
    t.equal((await exchange(relays.port(odd ? 'fresh' : 'gone'), 'hello')).toString(), 'hello');
  }
  await within('the whole stream', end, 60_000);
  t.equal(hash.digest('hex'), testHash(size));
  stream.destroy();
  t.equal(relays.worker('still'), worker);
  t.equal(relays.port('still'), port);
  t.equal(relays.port('gone'), gone, 'a relay that comes back has its port again');
  t.notOk(
    relays.events
      .slice(before)
      .some((event) => 'relay' in event && event.relay === 'still' && event.type !== 'forward.judged'),
    'nothing was heard of it',
  );
  t.strictSame(
    relays.supervisor.status().relays.map(({ name }) => name),
    ['still', 'changed', 'gone'],
    'in the order of the file',
  );
});

test('a changed relay keeps its listener: who comes meanwhile waits, and is served by the new target', async (t) => {
  const sshd = await startSshd(t);
  const [echo, source] = [await startEcho(t), await startSource(t, 10)];
  const forwards = (to: number) => [`0:127.0.0.1:${echo.port}`, `0:127.0.0.1:${to}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', drain: '2s', forwards: forwards(source.port) } });
  await relays.reach('r', 'connected');
  const ports = [relays.port('r', 0), relays.port('r', 1)];
  const open = await openEcho(ports[0] ?? 0);
  const cut = fate(open);
  // The first forward is gone, so the second one is the first now; the last one is new.
  await relays.reload({
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port + 0}`, `0:127.0.0.1:${source.port}`].reverse() },
  });
  t.equal(relays.port('r', 0), ports[1]);
  t.equal(relays.port('r', 1), ports[0]);
  t.match(relays.status('r').standing, { word: 'draining' });
  const waiting = exchange(ports[0] ?? 0, 'held over the change');
  t.equal(await within('the cut', cut), 'ECONNRESET', 'what is left after the drain is cut');
  t.equal((await waiting).toString(), 'held over the change');
  t.equal((await exchange(ports[1] ?? 0, '')).length, 10);
  await relays.reload({ r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  t.equal(relays.port('r'), ports[0], 'a forward that is removed moves no port');
  t.equal(await fateOf(ports[1] ?? 0), 'ECONNREFUSED');
  t.equal((await exchange(ports[0] ?? 0, 'still there')).toString(), 'still there');
  t.notOk(types(relays, 'r').includes('listener.failed'));
  t.equal(types(relays, 'r').filter((type) => type === 'listener.bound').length, 2, 'each was bound once');
});

test('a client that waits at a forward that is taken out is reset with the reason', async (t) => {
  const relays = await supervise(
    t,
    { sshConfigFile: '/dev/null' },
    { r: { host: 'nowhere.invalid', forwards: ['0:a:1', '0:a:2'] } },
  );
  const lost = fate(await dial(relays.port('r', 0)));
  const kept = await dial(relays.port('r', 1));
  await relays.reload({ r: { host: 'nowhere.invalid', forwards: ['0:a:2'] } });
  t.equal(await within('the cut', lost), 'ECONNRESET');
  t.match(relays.status('r'), {
    counters: { held: 1, refused: 1 },
    lastFault: { message: /^a forward of r was taken out of the config while a client waited/ },
  });
  kept.destroy();
});

test('what only concerns clients changes without a cut, and start begins or ends a relay', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { r, later: { ...r, start: false } });
  await relays.reach('r', 'connected');
  const worker = relays.worker('r');
  const open = await openEcho(relays.port('r'));
  const news = await relays.reload({
    r: { ...r, connections: 1, hold: { time: '1s' }, memory: '900MiB' },
    later: { ...r, start: false },
  });
  t.match(news, { changed: ['r'], ended: [], unchanged: ['later'] });
  t.equal(await fateOf(relays.port('r')), 'ECONNRESET', 'one connection is open, and no more may be');
  open.write('y');
  t.equal(String((await once(open, 'data'))[0]), 'y');
  t.equal(relays.worker('r'), worker);
  open.destroy();
  await relays.reload({ r: { ...r, start: false }, later: r });
  await relays.reach('later', 'connected');
  await relays.reach('r', 'offline');
  await relays.supervisor.stopRelay('later');
  await relays.reload({ r: { ...r, start: false, lanes: 2 }, later: { ...r, lanes: 2 } });
  t.equal(relays.status('later').standing.word, 'offline', 'one that the user stopped stays so');
  await relays.supervisor.startRelay('later');
  t.match(await relays.reach('later', 'connected'), { lanes: { length: 2 } });
});

test('less memory takes effect at once, also in a shared worker', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const guest = join(makeTemp(t, 'guest'), 'guest.mjs');
  const code =
    "const kept = Buffer.alloc(2 ** 28, 1); export default { name: 'guest', relay: () => ({ observe: () => void kept }) };\n";
  writeFileSync(guest, code, { mode: 0o600 });
  for (const isolation of ['relay', 'shared']) {
    const r = { host: 'test', isolation, forwards: [`0:127.0.0.1:${echo.port}`], plugins: [guest] };
    const relays = await supervise(t, sshd, { r });
    await relays.reach('r', 'connected');
    t.match(await relays.reload({ r: { ...r, memory: '128MiB' } }), { changed: ['r'], ended: [] });
    const bloated = ({ type, ...event }: Event) =>
      type === 'worker.ended' && 'fault' in event && event.fault?.code === 'WORKER_BLOATED';
    await relays.next('the end of the worker', bloated);
    relays.supervisor.now();
    await relays.supervisor.close('the next one');
  }
});

test('a config that cannot be used, or that a plugin refuses, changes nothing, and status says so', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const guest = join(makeTemp(t, 'guest'), 'guest.mjs');
  const code = `export default { name: 'guest', daemon: () => ({ check: (config) => config.relays.length < 3 || 'too many' }), relay: () => ({}) };\n`;
  writeFileSync(guest, code, { mode: 0o600 });
  const r = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const guarded = { ...r, plugins: [guest] };
  const relays = await supervise(t, sshd, { r, guarded });
  await relays.reach('r', 'connected');
  await relays.reach('guarded', 'connected');
  const [worker, open] = [relays.worker('r'), await openEcho(relays.port('r'))];
  for (const [wrong, message] of [
    [{ r: { ...r, lanes: 9 }, guarded }, /towline\.json:1:\d+ relays\.r\.lanes: /],
    [
      { r: { ...r, plugins: ['./nowhere.mjs'] }, guarded },
      /^r has its link up, and could not start with this config: there is no plugin file ".*nowhere\.mjs"; correct/,
    ],
    [{ r: { ...r, lanes: 2 }, guarded, more: r }, /plugin guest refuses the config: too many/],
  ] as const) {
    await t.rejects(relays.reload(wrong), { code: 'CONFIG_INVALID', message });
    t.match(relays.events.at(-1), { type: 'config.refused', fault: { code: 'CONFIG_INVALID', message } });
    t.match(relays.supervisor.status().pending, { fault: { message } });
  }
  await t.rejects(
    relays.supervisor.reload(async () => Promise.reject(new Error('boom')), 'all'),
    { code: 'INTERNAL' },
  );
  open.write('y');
  t.equal(String((await once(open, 'data'))[0]), 'y');
  t.equal(relays.worker('r'), worker);
  t.equal(relays.supervisor.config.relays.length, 2);
  t.match(await relays.reload({ r, guarded }), { applied: true, changed: [], unchanged: ['r', 'guarded'] });
  t.equal(relays.supervisor.status().pending, null);
  open.destroy();
});

test('where nobody asked, a change that would end an open link waits, and says so once', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const wrong = { ...r, host: 'nowhere.invalid' };
  const relays = await supervise(t, sshd, { r, wrong });
  await relays.reach('r', 'connected');
  const worker = relays.worker('r');
  for (let often = 0; often < 3; often += 1) {
    t.match(await relays.reload({ r: { ...r, drain: '1s' }, wrong: r }, []), { applied: false, cuts: ['r'] });
  }
  t.equal(relays.events.filter(({ type }) => type === 'config.differs').length, 1);
  t.match(relays.supervisor.status().pending, {
    fault: null,
    changed: ['r', 'wrong'],
    ended: ['r'],
    cuts: ['r'],
  });
  t.match(await relays.reload({ r, wrong: r, more: r }, []), { applied: true, added: ['more'], changed: ['wrong'] });
  t.match(await relays.reach('wrong', 'connected'), { host: 'test' }, 'what it waited for has changed');
  await relays.reach('more', 'connected');
  t.equal(relays.supervisor.status().pending, null);
  t.match(await relays.reload({ r, wrong: r }, []), { applied: false, removed: ['more'], cuts: ['more'] });
  t.match(await relays.reload({ r, wrong: r }, ['more']), { applied: true, removed: ['more'] });
  for (let often = 0; often < 2; often += 1)
    await t.rejects(relays.reload({ r: { ...r, lanes: 0 } }, []), { code: 'CONFIG_INVALID' });
  t.equal(relays.events.filter(({ type }) => type === 'config.refused').length, 1);
  await relays.reload({ r, wrong: r }, []);
  t.equal(relays.supervisor.status().pending, null, 'the file is again what runs');
  t.equal(relays.worker('r'), worker);
});

test('a relay under another name has its address at once, and one that comes back while it drains begins when it has ended', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = { host: 'test', drain: '2s', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { r, keep: r });
  await relays.reach('r', 'connected');
  const port = relays.port('r');
  const named = { ...r, forwards: [`${port}:127.0.0.1:${echo.port}`] };
  const open = await openEcho(port);
  const cut = fate(open);
  const before = relays.events.length;
  await relays.reload({ named, keep: r });
  t.match(relays.status('named').forwards, [{ bound: true }], 'the port was handed on');
  await t.rejects(relays.supervisor.startRelay('r'), { code: 'RELAY_UNKNOWN', message: /there are named, keep/ });
  await relays.reload({ r: named, keep: r });
  t.equal(await within('the cut', cut), 'ECONNRESET');
  await relays.reach('r', 'connected');
  t.equal((await exchange(port, 'again')).toString(), 'again');
  t.notOk(relays.events.slice(before).some(({ type }) => type === 'listener.failed'));
  t.notOk(types(relays, 'r').includes('relay.removed'), 'it never was out of the daemon');
  await relays.next('the end of the other', (event) => event.type === 'relay.removed' && event.relay === 'named');
});

test('changes in the middle of a start, a drain and a change end as the last one says', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const r = (more: object = {}) => ({ host: 'test', drain: '1s', forwards: [`0:127.0.0.1:${echo.port}`], ...more });
  const relays = await supervise(t, sshd, { r: r(), keep: r() });
  const all: Promise<unknown>[] = [];
  for (let round = 0; round < 20; round += 1) {
    all.push(
      relays.reload(
        round % 5 === 3 ? { keep: r() } : { r: r({ settle: `${10 + round}s` }), keep: r() },
        round % 2 === 0 ? 'all' : ['r', 'keep'],
      ),
    );
    if (round % 4 === 1) all.push(relays.supervisor.restartRelay('r').catch(() => undefined));
    if (round % 7 === 2) await relays.reach('keep', 'connected');
  }
  await Promise.all(all);
  await relays.reload({ r: r({ lanes: 2 }), keep: r() });
  const { id } = relays.supervisor.status();
  if (relays.status('r').lanes.some(({ state }) => state.at !== 'up'))
    await relays.next(
      'two lanes',
      () => relays.status('r').lanes.length === 2 && relays.status('r').lanes.every(({ state }) => state.at === 'up'),
      id,
    );
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'whole')).toString(), 'whole');
});
