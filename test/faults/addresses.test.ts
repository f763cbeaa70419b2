import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'tap';
import { writeConfig } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { homeOf, runTowline, startTowline } from '../fixtures/cli.ts';
import { noNamespaces, startNamespace } from '../fixtures/namespace.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

test('F53: a port that was taken at the start is ours within 2 s of when it is free', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const address = squatter.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`${address.port}:127.0.0.1:${echo.port}`] },
  });
  await relays.reach('r', 'degraded');
  const { id } = relays.supervisor.status();
  const bound = relays.next('the port', (event) => event.type === 'listener.bound', id);
  squatter.close();
  const since = clock();
  await bound;
  const recover = since();
  t.equal(String(await exchange(address.port, 'mine')), 'mine');
  measured(t, 'F53', { recover });
  t.ok(recover < 2_300, `${recover}`);
});

test('F54: a port below 1024 is said to be not allowed, by check and by up, and harms no other relay', {
  skip: noNamespaces,
}, async (t) => {
  const namespace = await startNamespace(t);
  const sshd = await startSshd(t, { under: namespace.enter });
  const home = homeOf(t);
  makeKeyPair(join(home, '.ssh', 'id_ed25519'));
  const relays = {
    low: { host: 'test', forwards: ['80:127.0.0.1:1'] },
    far: { host: 'test', forwards: [{ listen: '192.0.2.1:8080', target: 80, expose: true }] },
    fine: { host: 'test', forwards: [{ listen: `unix:${join(home, 'fine')}`, target: `127.0.0.1:${sshd.port}` }] },
  };
  const config = writeConfig(t, sshd, relays);
  // Whoever else we are, without this capability (capabilities(7)) we are to the kernel as any user is.
  const humble = ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service'];
  const under = [...namespace.enter, ...humble];
  const denied = /low: you may not listen on 127\.0\.0\.1:80; choose a port above 1023, .*\[LISTEN_DENIED\]/;
  const foreign = /far: 192\.0\.2\.1:8080 is no address of this machine; .*\[LISTEN_UNAVAILABLE\]/;
  const checked = await runTowline(t, ['check', '--config', config], { under });
  t.not(checked.code, 0);
  t.match(checked.stdout, denied);
  t.match(checked.stdout, foreign);
  t.notMatch(checked.stdout, /^fine/m);
  const up = startTowline(t, ['up', '--json', '--config', config], { under });
  await up.waitForOutput(/"relay":"low".*LISTEN_DENIED/);
  await up.waitForOutput(/"relay":"far".*LISTEN_UNAVAILABLE/);
  await waitUntil('the third relay is there', async () => {
    const { code, stdout } = await runTowline(t, ['status', '--json']);
    const found = code === 0 ? JSON.parse(stdout).relays : [];
    return found.some((one: { name: string; standing: { word: string } }) => {
      return one.name === 'fine' && one.standing.word === 'connected';
    });
  });
  const greeting = await dial(join(home, 'fine'));
  const [chunk] = await within('a greeting', once(greeting, 'data'));
  t.match(String(chunk), /^SSH-2\.0/);
  greeting.destroy();
});

/** What a program leaves that listened on a Unix socket and was killed. */
async function deadSocket(t: Owner, path: string): Promise<void> {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('there'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await within('a listener', once(child.stdout, 'data'));
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a Unix socket that a killed program left is taken over; a live one, and a file, are let be and named', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const dir = makeTemp(t, 'stale');
  const path = (name: string) => join(dir, name);
  await deadSocket(t, path('dead'));
  t.ok(existsSync(path('dead')));
  const other = createServer((socket) => {
    socket.on('error', () => undefined); // who looks whether anybody is there leaves at once
    socket.end('another program');
  }).listen(path('live'));
  await once(other, 'listening');
  t.teardown(() => other.close());
  writeFileSync(path('file'), 'precious');
  const relay = (name: string) => ({
    host: 'test',
    forwards: [{ listen: `unix:${path(name)}`, target: `127.0.0.1:${echo.port}` }],
  });
  const relays = await supervise(t, sshd, { dead: relay('dead'), live: relay('live'), file: relay('file') });
  await relays.reach('dead', 'connected');
  t.equal(String(await exchange(path('dead'), 'taken over')), 'taken over');
  const live = await relays.reach('live', 'degraded');
  t.match(live.standing.fault, { code: 'LISTEN_TAKEN', message: /live is in use by another program; stop it/ });
  t.equal(String(await exchange(path('live'), '')), 'another program');
  const file = await relays.reach('file', 'degraded');
  t.match(file.standing.fault, { code: 'LISTEN_TAKEN', message: /file exists and is no socket; remove it/ });
  t.equal(readFileSync(path('file'), 'utf8'), 'precious');
});
