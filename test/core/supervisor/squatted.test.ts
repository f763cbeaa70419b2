import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { type Backend, keep } from '../../fixtures/backend.ts';
import { freePort } from '../../fixtures/port.ts';
import { endAll, processesWith } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const moody = fileURLToPath(new URL('../../fixtures/moody-main.js', import.meta.url));
const health = { kind: 'backend', every: '1500ms', timeout: '1s', fall: 2 };

interface Squatter {
  /** All that came, as text. */
  seen(): string;
  listening(): Promise<void>;
}

/** Takes a port as soon as it is free, as another user where that can be, says yes to all that comes, and keeps it. */
function lieInWait(t: Owner, port: number): Squatter {
  const code = `
    const answer = 'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n';
    const server = require('net').createServer((socket) => {
      socket.on('error', () => undefined).on('data', (chunk) => {
        process.stdout.write(chunk);
        socket.end(answer);
      });
    });
    server.on('error', () => setTimeout(() => server.listen(${port}, '127.0.0.1'), 2));
    server.on('listening', () => process.stdout.write('listening\\n'));
    server.listen(${port}, '127.0.0.1');`;
  const other = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(process.execPath, ['-e', code], { ...other, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  let seen = '';
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    seen += chunk;
  });
  return {
    seen: () => seen,
    listening: () => waitUntil('the squatter', () => seen.startsWith('listening'), { every: 2 }),
  };
}

const foreign = (event: Event): boolean =>
  event.type === 'forward.judged' && event.judgement === 'unwell' && event.fault?.code === 'BACKEND_FOREIGN';

test('who takes the port of a launched backend after its proof never sees the token, and status says who it is', async (t) => {
  const sshd = await startSshd(t);
  const mood = join(makeTemp(t, 'mood'), 'mood');
  writeFileSync(mood, '');
  t.teardown(() => endAll(processesWith(`MOODY_FILE=${mood}`)));
  const recipe = {
    token: { from: 'environment', name: 'MOODY_TOKEN' },
    door: { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' },
  };
  const command = `exec ${process.execPath} ${moody} {port} ${mood}`;
  const plugins = [{ use: 'launch', recipe, command, env: { MOODY_FILE: mood } }];
  const forwards = [{ listen: 0, target: 'backend', health }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards, plugins } });
  const first = (await daemon.reach('r', 'connected', 60_000)).lanes[0]?.backend;
  const token = daemon.supervisor.token('r').token?.reveal() ?? 'none';
  const port = first?.target.kind === 'tcp' ? first.target.port : 0;
  const squatter = lieInWait(t, port);
  await endAll(processesWith(`MOODY_FILE=${mood}`));
  await squatter.listening();
  const said = await daemon.next('the news of it', foreign);
  const uid = process.getuid?.() === 0 ? 65_534 : process.getuid?.();
  t.match(said, { fault: { message: new RegExp(`^port ${port} on .* belongs to a process of uid ${uid} `) } });
  t.equal(daemon.status('r').lastFault?.code, 'BACKEND_FOREIGN');
  // Another one is launched, away from that port, and clients get to it.
  await daemon.next('another backend', (event) => event.type === 'backend.ready', said.id, 60_000);
  const { lanes } = await daemon.reach('r', 'connected', 60_000);
  t.not(lanes[0]?.backend?.run, first?.run);
  t.notMatch(lanes[0]?.backend?.target, { port });
  t.notMatch(squatter.seen(), token);
  t.notMatch(squatter.seen(), 'token=');
});

/** What a backend whose token is `token` heard, request by request. */
async function serve(t: Owner, port: number, token: string): Promise<Backend & { readonly heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.writeHead(request.url?.includes(token) === true ? 200 : 403).end();
  });
  return { ...(await keep(t, server, port)), heard };
}

// Another user is refused before he is asked anything; one's own other process by what it answers.
const asRoot = process.getuid?.() === 0;
const anyone = /try 1: .* accepts any token/;
const shownAs = asRoot
  ? /^port \d+ on .* belongs to a process of uid 65534, not to uid 0 /
  : /^port \d+ on .* has another listener than/;
const provedAs = asRoot ? /try 1: port \d+ on .* belongs to a process of uid 65534/ : anyone;

for (const [shown, config] of [
  ['shows', []],
  ['does not show', ['ForceCommand /bin/false']],
] as const) {
  test(`who takes the port of an attached backend on a host that ${shown} who listens sees no token either`, async (t) => {
    const sshd = await startSshd(t, { config });
    const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
    const file = join(makeTemp(t, 'token'), 'token');
    writeFileSync(file, token, { mode: 0o600 });
    const port = await freePort();
    const backend = await serve(t, port, token);
    const recipe = { door: { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' } };
    const plugin = join(makeTemp(t, 'plugin'), 'attach.mjs');
    const brought = JSON.stringify({ target: { kind: 'tcp', host: '127.0.0.1', port }, ...recipe });
    writeFileSync(plugin, `export default { name: 'attach', relay: () => ({ backend: () => (${brought}) }) };`, {
      mode: 0o600,
    });
    const plugins = [{ use: plugin }, { use: 'token', from: 'local-file', path: file }];
    const forwards = [{ listen: 0, target: 'backend', health }];
    const daemon = await supervise(t, sshd, { r: { host: 'test', forwards, plugins } });
    await daemon.reach('r', 'connected', 60_000);
    const proof = backend.heard.length;
    await waitUntil('two more checks', () => backend.heard.length >= proof + 2);
    t.equal((await daemon.reach('r', 'connected')).standing.verified, true);
    const checks = backend.heard.slice(proof);
    t.equal(checks.filter((url) => url.includes(token)).length, shown === 'shows' ? checks.length : 0);
    const squatter = lieInWait(t, port);
    const closed = backend.close();
    await squatter.listening();
    await closed;
    const said = await daemon.next('the news of it', foreign);
    t.match(said, {
      fault: {
        message: shown === 'shows' ? shownAs : /to who shows no token/,
      },
    });
    await daemon.next(
      'another proof',
      (event) => event.type === 'lane.advanced' && (shown === 'shows' ? provedAs : anyone).test(event.note ?? ''),
      said.id,
    );
    t.notMatch(squatter.seen(), token);
    if (asRoot && shown === 'shows') t.equal(squatter.seen(), 'listening\n', 'another user is not even asked');
    else t.match(squatter.seen(), /GET \//, 'it was asked');
  });
}
