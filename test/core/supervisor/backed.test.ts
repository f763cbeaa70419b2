import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { isUnwell } from './backend-scenes.ts';

test('a backend that answers 500 or 401, or hangs, degrades its relay by name and is not launched again', async (t) => {
  const { plugin, health, mood } = makeMoody(t);
  const forwards = [{ listen: 0, target: 'backend', health }];
  const daemon = await supervise(t, await startSshd(t), { r: { host: 'test', forwards, plugins: [plugin] } });
  await isUnwell(t, daemon, mood);
});

test('a backend that opens its port and ends is told by its own last words, not by what the proof met', async (t) => {
  const sshd = await startSshd(t);
  const code = `require("net").createServer((s) => { console.log("no root, please"); process.exit(1); }).listen({port}, "127.0.0.1")`;
  const recipe = {
    token: { from: 'environment', name: 'MOODY_TOKEN' },
    door: { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' },
  };
  const plugins = [{ use: 'launch', recipe, command: `exec ${process.execPath} -e '${code}'` }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:backend'], plugins } });
  const { standing } = await daemon.reach('r', 'blocked', 60_000);
  t.match(standing.fault, { code: 'LAUNCH_FAILED', message: /exit code 1.*"no root, please"/ });
  t.ok(standing.until !== null && standing.until > Date.now() + 60_000, 'it gets a long rest');
});

test('a token that is not there yet is looked for again, and the relay comes up with it', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startEcho(t);
  const file = join(makeTemp(t, 'token'), 'token');
  const plugins = [{ use: 'token', from: 'file', path: file }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${port}`], plugins } });
  await daemon.next(
    'a try',
    (event) => event.type === 'lane.advanced' && /^try 1 of 5: .*again in 1 s$/.test(event.note ?? ''),
  );
  writeFileSync(file, 'a-token-that-came-late\n', { mode: 0o600 });
  await daemon.reach('r', 'connected');
  t.equal(daemon.supervisor.token('r').token?.reveal(), 'a-token-that-came-late');
});
