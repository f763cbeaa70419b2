import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Test, test } from 'tap';
import { WebSocket } from 'ws';
import { vite } from '../../../src/plugins/recipes/vite.ts';
import { type Found, OutputScanner } from '../../../src/plugins/printed/scan.ts';
import { scanRules } from '../../../src/plugins/printed/scan-rules.ts';
import { freePort } from '../../fixtures/port.ts';
import { runProgramLine } from '../../fixtures/program.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

/** A project that Vite serves, with one page. */
function makeProject(t: Owner): { folder: string; page(text: string): void } {
  const folder = makeTemp(t, 'vite');
  symlinkSync(resolve('.cache/vite/node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    page: (text) => writeFileSync(join(folder, 'index.html'), `<!doctype html><p>${text}</p>\n`),
  };
}

test('a real Vite is found by the address that it prints in colours, and reloads a page through the relay', async (t) => {
  const sshd = await startSshd(t);
  const { folder, page } = makeProject(t);
  page('one');
  const port = await freePort();
  const line = vite.command.replace('{port}', String(port));
  const { child, ended } = runProgramLine(t, line, { home: sshd.home, folder, terminal: true });
  let output = '';
  const found = new Promise<Found>((found, failed) => {
    const rules = scanRules(vite, { hosts: [], fixed: port, ownToken: true });
    const stream = new OutputScanner(rules, { found, warn: (text) => failed(new Error(text)) }).stream();
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      stream.add(chunk);
    });
    ended.then((code) => failed(new Error(`vite ended with ${code}: ${output}`)), failed);
  });
  t.match(await within('the port', found, 60_000), { port, token: null, none: false });
  t.match(output, new RegExp(`\\x1b\\[\\d+m${port}\\x1b`), 'colour codes stand in the address');

  const health = { kind: 'http', every: '2s', timeout: '2s' };
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [{ listen: 0, target: port, health }] } });
  await relays.reach('r', 'connected');
  const here = relays.port('r');
  t.not(here, port);
  await reloads(t, here, page);
});

test('a relay launches a real Vite, a page reloads through it, and the next link finds the same one', async (t) => {
  const sshd = await startSshd(t);
  const { folder, page } = makeProject(t);
  page('one');
  const plugins = [{ use: 'launch', recipe: 'vite', cwd: folder }];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:backend'], plugins } });
  const first = await relays.reach('r', 'connected', 100_000);
  t.match(first, { standing: { verified: true }, lanes: [{ backend: { adopted: false, says: /^pid \d+ since / } }] });
  t.equal(relays.supervisor.token('r').token, null, 'it has none of its own');
  const token = await reloads(t, relays.port('r'), page);

  const before = relays.supervisor.status().id;
  sshd.killSessions();
  await relays.next('the next link', (event) => event.type === 'backend.ready', before, 60_000);
  const { standing, lanes } = await relays.reach('r', 'connected', 60_000);
  t.equal(standing.verified, true);
  t.match(lanes[0]?.backend, { adopted: true, run: first.lanes[0]?.backend?.run, says: first.lanes[0]?.backend?.says });
  page('one');
  t.equal(await reloads(t, relays.port('r'), page), token, 'each Vite makes one of its own');
});

/** Has the page `one` become `two` while a browser looks at it; gives the token of this Vite's hot reloading. */
async function reloads(t: Test, here: number, page: (text: string) => void): Promise<string> {
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${here}${path}`)).text();
  t.match(await get('/'), '<p>one</p>');
  const token = /wsToken = "([\w-]+)"/.exec(await get('/@vite/client'))?.[1];
  t.type(token, 'string');
  const socket = new WebSocket(`ws://127.0.0.1:${here}/?token=${token}`, 'vite-hmr');
  t.teardown(() => socket.terminate());
  const messages: string[] = [];
  const reload = new Promise<void>((done) => {
    socket.on('message', (data) => {
      messages.push(String(data));
      if (String(data).includes('full-reload')) done();
    });
  });
  await once(socket, 'open');
  await get('/');
  page('two');
  await within('the reload', reload, 30_000);
  t.match(await get('/'), '<p>two</p>');
  socket.terminate();
  return token ?? 'none';
}
