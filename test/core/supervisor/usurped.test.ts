import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { keep, startTcp } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { hasPort, lieInWait } from '../../fixtures/lurker.ts';
import { endAll, processesWith } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';
import { foreign } from './backend-scenes.ts';

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';

/** A plugin of these hooks; `fault(code)` is one as it throws it, `dir` a folder of its own. */
function makePlugin(t: Owner, hooks: string) {
  const dir = makeTemp(t, 'plugin');
  const use = join(dir, 'brings.mjs');
  const code = `import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
const dir = ${JSON.stringify(dir)};
const fault = (code) => Object.assign(new Error('so it is seen; look there'), { name: 'Fault', code });
let runs = 0;
export default { name: 'brings', relay: () => (${hooks}) };\n`;
  writeFileSync(use, code, { mode: 0o600 });
  return { dir, use };
}

test('nobody is led to a stranger, however soon he came after the backend, and that is brought no sooner for it', async (t) => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    if (url === '/client') heard.push(String(brought().length));
    response.writeHead(url.includes(token) || url === '/client' ? 200 : 403).end();
  });
  const { port } = await keep(t, server, 0);
  // The first look is the proof, the second the first check.
  const { dir, use } = makePlugin(
    t,
    `{ backend: () => {
  const run = (runs += 1);
  const looks = ['', ...(run < 3 ? ['BACKEND_FOREIGN'] : run === 3 ? ['TARGET_REFUSED', 'BACKEND_FOREIGN'] : [])];
  appendFileSync(dir + '/brought', Date.now() + '\\n');
  return { target: { kind: 'tcp', host: '127.0.0.1', port: ${port} }, run: null, adopted: true,
    token: { reveal: () => '${token}' }, door: { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' },
    verify: async () => {
      const code = looks.shift() ?? '';
      if (code !== '') throw fault(code);
      return true;
    } };
} }`,
  );
  const brought = () => readFileSync(join(dir, 'brought'), 'utf8').trim().split('\n').map(Number);
  const health = { kind: 'backend', every: '10m', timeout: '5s' };
  const forwards = [{ listen: 0, target: 'backend', health }];
  const daemon = await supervise(t, await startSshd(t), { r: { host: 'test', forwards, plugins: [{ use }] } });
  const rests = (event: Event) =>
    event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing?.at === 'waiting';
  const first = await daemon.next('it rests', rests);
  t.equal(brought().length, 2, 'the first time it was brought at once');
  t.match(daemon.status('r').standing, { word: 'degraded', fault: { code: 'BACKEND_FOREIGN' } });
  t.match(daemon.status('r').forwards, [{ judgement: 'unwell' }]);
  const served = exchange(daemon.port('r'), 'GET /client HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const vacant = await daemon.next(
    'nobody listens there',
    (event) => event.type === 'forward.judged' && event.fault?.code === 'TARGET_REFUSED',
    first.id,
  );
  t.match(daemon.status('r').lanes[0]?.state, { at: 'up', backing: null }, 'who is refused hears that at once');
  const second = await daemon.next('who came there instead', rests, vacant.id);
  await daemon.next('another one', (event) => event.type === 'backend.ready', second.id);
  await daemon.reach('r', 'connected');
  t.match(String(await served), /^HTTP\/1.1 200 /);
  t.same(heard, ['3'], 'the client was held until it was brought again');
  const [, at2 = 0, at3 = 0, at4 = 0, ...more] = brought();
  t.ok(at3 - at2 >= 2_000, `${at3 - at2} ms after the second`);
  t.ok(at4 - at3 >= 4_000, `${at4 - at3} ms after the third`);
  t.same(more, []);
});

test('who takes the port of a launched backend without a token is told of, and another one is launched', async (t) => {
  const code = `require("net").createServer((s) => s.end("own")).listen({port}, "127.0.0.1")`;
  const plugins = [{ use: 'launch', command: `exec ${process.execPath} -e '${code}'` }];
  const forwards = [{ listen: 0, target: 'backend', health: { kind: 'tcp', every: '1s' } }];
  const daemon = await supervise(t, await startSshd(t), { r: { host: 'test', forwards, plugins } });
  const backend = async () => (await daemon.reach('r', 'connected', 60_000)).lanes[0]?.backend;
  const end = (run: string) => endAll(processesWith(`TOWLINE_RUN=${run}`));
  const { run, target } = (await backend()) ?? {};
  t.ok(run, 'it was launched');
  const port = target?.kind === 'tcp' ? target.port : 0;
  const lurker = await lieInWait(t, port);
  const before = daemon.supervisor.status().id;
  await end(run ?? 'none');
  await hasPort(lurker);
  const said = await daemon.next('the news of it', foreign, before);
  t.match(said, { fault: { message: new RegExp(`^port ${port} on .* belongs to a process of uid \\d+ `) } });
  await daemon.next('another backend', ({ type }) => type === 'backend.ready', said.id, 60_000);
  const next = await backend();
  t.teardown(() => end(next?.run ?? 'none'));
  t.not(next?.run, run);
  t.equal(String(await exchange(daemon.port('r'), '')), 'own', 'clients get to that');
});

test('a plugin that probes shows its token over no connection that was not looked at, whoever listens by then', async (t) => {
  const seen = { own: '', strangers: '' };
  const hear = (whose: keyof typeof seen) => (socket: Socket) => {
    socket.on('data', (chunk) => {
      seen[whose] += String(chunk);
      socket.write('well');
    });
  };
  const server = createTcp();
  const own = await keep(t, server, 0, hear('own'));
  const { dir, use } = makePlugin(
    t,
    `{
  backend: () => ({ target: { kind: 'tcp', host: '127.0.0.1', port: ${own.port} }, run: null, adopted: true,
    token: { reveal: () => '${token}' }, door: null, opens: null, says: '',
    verify: async () => {
      if (existsSync(dir + '/gone')) throw fault('BACKEND_FOREIGN');
      writeFileSync(dir + '/looking', '');
      while (!existsSync(dir + '/gone')) await new Promise((resolve) => setTimeout(resolve, 10));
      return true;
    } }),
  probe: async (dial, token) => {
    for (let n = 0; n < 2; n += 1) {
      const stream = await dial();
      stream.write(token === null ? 'nothing' : token.reveal());
      await new Promise((resolve) => stream.once('data', resolve));
    }
    return true;
  },
}`,
  );
  const forwards = [{ listen: 0, target: 'backend', health: { kind: 'tcp', every: '1s' } }];
  const daemon = await supervise(t, await startSshd(t), { r: { host: 'test', forwards, plugins: [{ use }] } });
  await waitUntil('it is looked at', () => existsSync(join(dir, 'looking')));
  // Who is connected stays so.
  server.close();
  await startTcp(t, own.port, hear('strangers'));
  writeFileSync(join(dir, 'gone'), '');
  await daemon.next('the news of it', foreign);
  t.same(seen, { own: token, strangers: '' });
});
