import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { type Backend, keep } from '../../fixtures/backend.ts';
import { hasPort, lieInWait } from '../../fixtures/lurker.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';
import { foreign, losesItsPort } from './backend-scenes.ts';

const health = { kind: 'backend', every: '1500ms', timeout: '1s', fall: 2 };

test('who takes the port of a launched backend after its proof never sees the token, and status says who it is', async (t) => {
  const moody = makeMoody(t);
  const forwards = [{ listen: 0, target: 'backend', health }];
  const plugins = [moody.plugin];
  const daemon = await supervise(t, await startSshd(t), { r: { host: 'test', forwards, plugins } });
  const uid = (process.getuid?.() === 0 ? 65_534 : process.getuid?.()) ?? -1;
  await losesItsPort(t, { daemon, uid, kill: moody.kill, lieInWait: (port) => lieInWait(t, port) });
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
const anyone = /try 1 of 5: .* accepts any token/;
const shownAs = asRoot
  ? /^port \d+ on .* belongs to a process of uid 65534, not to uid 0 /
  : /^port \d+ on .* has another listener than/;
const provedAs = asRoot ? /try 1 of 5: port \d+ on .* belongs to a process of uid 65534/ : anyone;

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
    const squatter = await lieInWait(t, port);
    const closed = backend.close();
    await hasPort(squatter);
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
    t.notMatch(await squatter.seen(), token);
    if (asRoot && shown === 'shows')
      t.match(await squatter.seen(), /^waiting\nlistening\n(?:client\n)*$/, 'another user is not even asked');
    else t.match(await squatter.seen(), /GET \//, 'it was asked');
  });
}
