import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthContext } from 'ssh2';
import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';
import { forgetToken, writeToken } from '../../../src/core/secrets/token-store.ts';
import type { AskedQuestion } from '../../../src/core/supervisor/logins/attendant.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { makeMoody } from '../../fixtures/moody.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** A plugin that has these hooks, and writes down with `say` what becomes of them. */
function makePlugin(t: Owner, hooks: string) {
  const folder = makeTemp(t, 'plugin');
  const [file, log] = [join(folder, 'plugin.mjs'), join(folder, 'log')];
  writeFileSync(log, '');
  const text = `import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const say = (text) => appendFileSync(${JSON.stringify(log)}, text + '\\n');
const saidBefore = () => readFileSync(${JSON.stringify(log)}, 'utf8').split('\\n').length - 1;
const at = (port) => ({ target: { kind: 'tcp', host: '127.0.0.1', port }, run: null, adopted: true, door: null, opens: null, says: '' });
const turn = async (what) => { say(process.pid + ' begins ' + what); await sleep(300); say(process.pid + ' ends ' + what); };
export default { name: 'p', relay: () => (${hooks}) };
`;
  writeFileSync(file, text, { mode: 0o600 });
  return { file, said: () => readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}

test('what a plugin began for a link hears of its end, long after the backend was ready', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startEcho(t);
  const { file, said } = makePlugin(
    t,
    `{ backend(link, call) { say('begun'); call.link.addEventListener('abort', () => say('ended')); return at(${port}); } }`,
  );
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:backend'], plugins: [file] } });
  await daemon.reach('r', 'connected');
  t.same(said(), ['begun']);
  const after = daemon.supervisor.status().id;
  sshd.killSessions();
  await daemon.next('a new link', (event) => event.type === 'link.opened', after);
  await daemon.reach('r', 'connected');
  t.same(said(), ['begun', 'ended', 'begun'], 'a link that was lost');
  await daemon.supervisor.stopRelay('r');
  t.same(said(), ['begun', 'ended', 'begun', 'ended'], 'a link that was given up');
});

test('a token hook that hangs ends with its link, and keeps nobody from the next one', async (t) => {
  const sshd = await startSshd(t);
  const { file, said } = makePlugin(t, `{ token() { say('asked'); return new Promise(() => 0); } }`);
  const plugins = [{ use: file, deadlines: { token: '60s' } }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:127.0.0.1:9'], plugins } });
  const hangs = await daemon.next('it hangs', (event) => event.type === 'lane.advanced' && event.stage === 'token');
  await waitUntil('it is asked', () => said().length === 1);
  sshd.killSessions();
  const over = await daemon.next('the end', (event) => event.type === 'lane.changed', hangs.id, 5_000);
  t.match(over, { state: { at: 'waiting', fault: { code: 'LINK_LOST' } } });
  await waitUntil('it is asked over the next link', () => said().length === 2, { timeout: 5_000 });
});

test('a token that is set while another one is being proved is proved itself before the relay is connected', async (t) => {
  const moody = makeMoody(t);
  moody.mood('slow');
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin] };
  const daemon = await supervise(t, await startSshd(t), { r });
  await daemon.next('the proof', (event) => event.type === 'lane.advanced' && event.stage === 'proof', 0, 60_000);
  writeToken(daemon.stateDir, 'r', new Secret('not-the-token-of-the-backend'));
  await daemon.supervisor.retoken('r');
  const { standing } = await daemon.reach('r', 'blocked');
  t.match(standing.fault, { code: 'TOKEN_REFUSED' });
  t.notOk(
    daemon.events.some(
      (event) => event.type === 'lane.changed' && event.state.at === 'up' && event.state.backing === null,
    ),
    'it was never connected with the old one',
  );
  forgetToken(daemon.stateDir, 'r');
  await daemon.supervisor.retoken('r');
  await daemon.reach('r', 'connected');
  t.equal(moody.started(), 1);
});

test('a wrong token that is set while a relay is connected blocks it, and the right one mends it at once', async (t) => {
  const moody = makeMoody(t);
  const r = { host: 'test', forwards: ['0:backend'], plugins: [moody.plugin] };
  const daemon = await supervise(t, await startSshd(t), { r });
  await daemon.reach('r', 'connected', 60_000);
  writeToken(daemon.stateDir, 'r', new Secret('not-the-token-of-the-backend'));
  const after = daemon.supervisor.status().id;
  await daemon.supervisor.retoken('r');
  await daemon.next('it is refused', () => daemon.status('r').standing.fault?.code === 'TOKEN_REFUSED', after);
  t.match(daemon.status('r').standing, {
    word: 'blocked',
    fault: {
      message: /; that one was set by hand .*: `towline token forget r` goes back to it, `towline token set r`/,
    },
  });
  forgetToken(daemon.stateDir, 'r');
  await daemon.supervisor.retoken('r');
  await daemon.reach('r', 'connected');
  t.equal(daemon.events.filter((event) => event.type === 'link.opened').length, 1);
  t.same(daemon.status('r').warnings, []);
});

test('what was stopped is started though the host did not hear the wish at first, or lost its link meanwhile; a failed start is no wish', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const { file, said } = makePlugin(
    t,
    `{ async backend(link, { forced, signal }) {
      const length = saidBefore();
      say('forced ' + forced);
      const fail = (code) => Object.assign(new Error(code), { name: 'Fault', code });
      if (length === 0) throw fail('BACKEND_STOPPED');
      if (length === 1) throw fail('OPEN_TIMEOUT');
      if (length === 2) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      if (length === 3) throw fail('LAUNCH_FAILED');
      return at(${echo.port});
    } }`,
  );
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:backend'], plugins: [file] } });
  await daemon.reach('r', 'blocked');
  await daemon.supervisor.startRelay('r');
  await waitUntil('it is tried again', () => said().length === 3);
  sshd.killSessions();
  await daemon.reach('r', 'connected');
  t.same(said(), ['forced false', 'forced true', 'forced true', 'forced true', 'forced false']);
});

test('two lanes in two workers call the hooks for their backend one at a time', async (t) => {
  const { port } = await startEcho(t);
  const { file, said } = makePlugin(
    t,
    `{ async backend() { await turn('backend'); return at(${port}); }, async token() { await turn('token'); return null; } }`,
  );
  const r = { host: 'test', forwards: ['0:backend'], plugins: [file], lanes: 2 };
  const daemon = await supervise(t, await startSshd(t), { r });
  const ready = () => daemon.status('r').lanes.every(({ state }) => state.at === 'up' && state.backing === null);
  if (!ready()) await daemon.next('both are ready', ready);
  t.not(daemon.worker('r', 0), daemon.worker('r', 1));
  const lines = said();
  t.equal(lines.length, 8, lines.join(', '));
  for (let n = 0; n < lines.length; n += 2) t.equal(lines[n + 1], lines[n]?.replace('begins', 'ends'));
  const pids = new Set(lines.map((line) => Number(line.split(' ')[0])));
  t.same([...pids].toSorted(), [daemon.worker('r', 0), daemon.worker('r', 1)].toSorted());
});

test('an answer that serves another relay too does not start what was stopped on purpose there, its user does', async (t) => {
  const server = await startRogue(t, {
    login: (context: AuthContext) => {
      if (context.method !== 'password') return context.reject(['password']);
      if (context.password === 'right') context.accept();
      else context.reject(['password']);
    },
  });
  const { file, said } = makePlugin(
    t,
    `{ backend(link, { forced }) {
      say('forced ' + forced);
      if (!forced) throw Object.assign(new Error('it was stopped'), { name: 'Fault', code: 'BACKEND_STOPPED' });
      return at(9);
    } }`,
  );
  const daemon = await supervise(t, server, {
    a: { host: 'test', forwards: ['0:127.0.0.1:9'] },
    b: { host: 'test', forwards: ['0:backend'], plugins: [file] },
  });
  for (const name of ['a', 'b']) await daemon.reach(name, 'blocked');
  const asked: AskedQuestion[] = [];
  daemon.supervisor.questions.attend('a', { asked: (one) => void asked.push(one), over: () => undefined });
  await daemon.supervisor.startRelay('a');
  await waitUntil('it is asked', () => asked.length === 1);
  daemon.supervisor.questions.answer(asked[0]?.id ?? 0, [new Secret('right')]);
  await waitUntil('b is in too', () => daemon.status('b').standing.fault?.code === 'BACKEND_STOPPED');
  t.same(said(), ['forced false']);
  await daemon.supervisor.startRelay('b');
  await daemon.next('b has its backend', (event) => event.type === 'backend.ready' && event.relay === 'b');
  t.same(said(), ['forced false', 'forced true']);
});
