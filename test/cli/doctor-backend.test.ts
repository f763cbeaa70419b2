import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { startWebSocket } from '../fixtures/backend-web.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { HERE, launching, startSquatter } from '../fixtures/launching.ts';
import { openTestLink } from '../fixtures/link.ts';
import { freePort } from '../fixtures/port.ts';
import { endAll, processesWith } from '../fixtures/process-tree.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { startSly } from '../fixtures/sly.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

interface Found {
  readonly step: string;
  readonly where: string;
  readonly state: 'well' | 'mind' | 'wrong';
  readonly text: string;
  readonly fix: string | null;
  readonly fault: { readonly code: string } | null;
}

const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
const mains = { use: 'launch', recipe: 'mains', command: `exec ${HERE} serve --port={port}` };

function writeConfig(t: Test, { sshConfigFile }: Pick<Sshd, 'sshConfigFile'>, relay: object): void {
  const config = { sshConfig: sshConfigFile, relays: { box: { host: 'test', forwards: ['0:backend'], ...relay } } };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
}

/** What doctor says of the relay's backend and after it. */
async function examine(t: Test) {
  const { code, stdout, stderr } = await runTowline(t, ['doctor', '--json', 'box']);
  const found: readonly { readonly findings: readonly Found[] }[] = JSON.parse(stdout);
  const findings = found.flatMap((one) => one.findings);
  const of = (step: string) => findings.filter((one) => one.step === step);
  const bad = findings.filter(({ state }) => state === 'wrong');
  const [backend, secret, proof] = [of('backend'), of('token'), of('proof')];
  return { code, stdout, stderr, findings, of, bad, backend, secret, proof };
}

/** Starts the daemon and waits for its relay. */
async function bringUp(t: Test): Promise<void> {
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0);
  await daemonClient(t).reach('box', 'connected', 30_000);
}

test('doctor starts no backend, finds the one that runs, and proves it; after its stop status and doctor say so', async (t) => {
  const sshd = await startSshd(t);
  // No health check comes in time to see it: who stopped it has told the daemon.
  const health = { kind: 'backend', every: '10m' };
  writeConfig(t, sshd, { forwards: [{ listen: 0, target: 'backend', health }], plugins: [mains] });
  const before = await examine(t);
  t.match(before.backend, [{ state: 'mind', where: 'box', text: /^it was never launched there/ }]);
  t.same([before.code, before.bad, before.secret], [0, [], []]);
  t.equal(JSON.parse((await runTowline(t, ['backend', 'ps', '--json'])).stdout).length, 0);

  await bringUp(t);
  const running = await examine(t);
  const daemon = daemonClient(t);
  const [forward] = (await daemon.status('box')).forwards;
  if (forward?.listen?.kind !== 'tcp') throw new Error('it has no port');
  const listen = `127.0.0.1:${forward.listen.port}`;
  t.match(running.backend, [
    { state: 'well', text: /^pid \d+, port \d+, .*a process of its own listens at 127.0.0.1:/ },
  ]);
  t.match(running.secret, [{ state: 'well', text: "known: the launched backend's own" }]);
  t.match(running.proof, [{ state: 'well' }]);
  t.match(running.of('listen'), [{ state: 'well', where: listen }]);
  t.match(running.of('daemon'), [{ state: 'well', text: /^the daemon says connected/ }]);
  const own = (await runTowline(t, ['token', 'box', '--print'])).stdout.trim();
  t.notMatch(running.stdout + running.stderr, own);
  t.match((await runTowline(t, ['doctor', 'box'])).stdout, /\nall is well\n$/);

  t.match(await runTowline(t, ['backend', 'stop', 'box']), { code: 0, stdout: /ended\n$/ });
  const isStopped = ({ standing }: RelayStatus) => standing.fault?.code === 'BACKEND_STOPPED';
  await daemon.tells('status says that it was stopped', 'box', isStopped, 5_000);
  const after = await examine(t);
  t.match(after.bad, [{ step: 'backend', fault: { code: 'BACKEND_STOPPED' } }]);
  t.equal(after.bad.length, 1);
  t.match(after.of('daemon').at(0), { state: 'mind', text: /^the daemon says blocked for .*, for the same reason$/ });
  t.match((await runTowline(t, ['doctor', 'box'])).stdout, /\n1 thing is wrong\n$/);
  const person = startOnTerminal(t, ['url', 'box']);
  t.equal(await person.ended, 0);
  t.match(
    person.shown().replace(/\s+/g, ' '),
    /box is blocked, so nothing may answer there now: the backend box was stop/,
  );
  t.match((await runTowline(t, ['start', 'box'])).stdout, /^box: (?!blocked)/, 'what it was blocked by is over');
});

test('a backend that has ended is told with its exit code, and what it printed last is a command away', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { plugins: [mains] });
  const { up } = await launching(t, await openTestLink(t, sshd), { recipe: 'mains', command: mains.command });
  const { run } = await up();
  await endAll(processesWith(`TOWLINE_RUN=${run}`));
  const { backend, bad } = await examine(t);
  t.match(backend, [{ state: 'mind', text: /^it does not run: ended/, fix: /`towline backend logs box`/ }]);
  t.same(bad, []);
});

test('a token set by hand that the backend refuses is named, and what else there would be', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, { plugins: [mains] });
  const { up } = await launching(t, await openTestLink(t, sshd), { recipe: 'mains', command: mains.command });
  const { run } = await up();
  t.teardown(() => endAll(processesWith(`TOWLINE_RUN=${run}`)));
  await runTowline(t, ['token', 'set', 'box'], { input: token });
  const { code, secret, bad } = await examine(t);
  t.match(secret, [{ state: 'well', text: 'known: it was set by hand' }]);
  t.match(bad, [{ step: 'proof', fault: { code: 'TOKEN_REFUSED' }, fix: /^`towline token forget box`/ }]);
  t.equal(code, 77);
});

test('whoever has the port of a backend is named, and gets no token', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  const launch = { recipe: 'mains', command: 'exec sleep 1000', port };
  writeConfig(t, sshd, { plugins: [{ use: 'launch', ...launch }] });
  const squatter = await startSquatter(t, port);
  const never = await examine(t);
  t.match(never.bad, [
    { step: 'backend', fault: { code: 'LAUNCH_PORT_TAKEN' }, text: new RegExp(`port ${squatter} on`) },
  ]);
});

test('a backend that lives while somebody else has its port is not asked for its token', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  const launch = { recipe: 'mains', command: 'exec sleep 1000', port };
  writeConfig(t, sshd, { plugins: [{ use: 'launch', ...launch }] });
  const { up } = await launching(t, await openTestLink(t, sshd), launch);
  const giveUp = new AbortController();
  const trying = up({ signal: giveUp.signal });
  trying.catch(() => undefined);
  const ps = async () => JSON.parse((await runTowline(t, ['backend', 'ps', '--json'])).stdout);
  await waitUntil('it lives', async () => (await ps())[0]?.state === 'live', { every: 200 });
  giveUp.abort(new Error('seen enough'));
  t.match((await examine(t)).backend, [{ state: 'mind', text: /it does not listen yet$/ }]);
  await startSquatter(t, port);
  const { bad, proof } = await examine(t);
  t.match(bad, [{ step: 'backend', fault: { code: 'BACKEND_FOREIGN' }, text: /belongs to a process of uid \d+/ }]);
  t.same(proof, []);
  t.match(await runTowline(t, ['backend', 'stop', 'box']), { code: 0 });
});

test('the token of a backend that runs already is found by its rule, and shown by the health check', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startWebSocket(t, { token });
  const file = join(makeTemp(t, 'token'), 'token');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const rule = { use: 'token', from: 'file', path: file };
  const health = { kind: 'websocket', path: '/' };
  writeConfig(t, sshd, { forwards: [{ listen: 0, target: port, health }], plugins: [rule] });
  const { secret } = await examine(t);
  t.match(secret, [{ state: 'well', text: 'known: the plugin token finds it' }]);
  writeFileSync(file, '\n', { mode: 0o600 });
  t.match((await examine(t)).bad[0], { step: 'token', fault: { code: 'TOKEN_MISSING' } });
});

test('another user on the port of a backend that is down is named by doctor too, and sees no token', {
  skip: process.getuid?.() === 0 ? false : 'needs root, to be two users',
}, async (t) => {
  const sshd = await startSshd(t);
  const sly = await startSly(t);
  const health = { kind: 'http', path: '/api/status' };
  const plugins = [{ use: 'token', recipe: 'jupyter' }];
  writeConfig(t, sshd, { forwards: [{ listen: 0, target: sly.port, health }], plugins });
  await runTowline(t, ['token', 'set', 'box'], { input: token });
  const { code, secret, bad } = await examine(t);
  t.match(secret, [{ state: 'well', text: 'known: it was set by hand' }]);
  const text = new RegExp(`^port ${sly.port} on .* belongs to a process of uid 65534, not to uid 0 `);
  t.match(bad[0], { step: 'proof', fault: { code: 'BACKEND_FOREIGN' }, text });
  t.equal(code, 77);
  t.notMatch(sly.seen(), token);
});

test('one that takes the port of a proved backend between two looks of doctor sees no token', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  const heard: string[] = [];
  const stranger = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.writeHead(request.url?.includes(token) === true ? 200 : 403).end();
  });
  const first = createServer((request, response) => {
    const right = request.url?.includes(token) === true;
    response.writeHead(right ? 200 : 403);
    if (!right) return void response.end();
    // The right one is asked for no second time: another one has its place before the answer is out.
    first.close();
    stranger.listen(port, '127.0.0.1', () => response.end());
  });
  await once(first.listen(port, '127.0.0.1'), 'listening');
  t.teardown(() => {
    for (const server of [first, stranger]) server.close().closeAllConnections();
  });
  const health = { kind: 'http', path: '/api/status' };
  const plugins = [{ use: 'token', recipe: 'jupyter' }];
  writeConfig(t, sshd, { forwards: [{ listen: 0, target: port, health }], plugins });
  await runTowline(t, ['token', 'set', 'box'], { input: token });
  const { bad, proof } = await examine(t);
  t.match(proof, [{ state: 'well' }]);
  t.match(bad, [{ step: 'backend', fault: { code: 'BACKEND_FOREIGN' }, text: /another listener than the one/ }]);
  t.notMatch(heard.join(' '), token);
});

/** An ssh_config without a key, and a plugin that gives the right one. */
function vault(t: Test, sshd: Sshd) {
  const without = readFileSync(sshd.sshConfigFile, 'utf8').replace(
    /^\s*IdentityFile .*$/m,
    '  IdentityFile none\n  BatchMode yes',
  );
  const sshConfigFile = join(sshd.dir, 'keyless_config');
  writeFileSync(sshConfigFile, without, { mode: 0o600 });
  const file = join(makeTemp(t, 'plugin'), 'vault.mjs');
  const key = JSON.stringify(readFileSync(sshd.keyFile, 'utf8'));
  const hooks = `{ identify: () => { console.log('asked'); return { kind: 'key', key: { reveal: () => ${key} } }; } }`;
  writeFileSync(file, `export default { name: 'vault', relay: () => (${hooks}) };\n`, { mode: 0o600 });
  return { sshConfigFile, file };
}

test('a plugin that knows how to log in is asked by doctor as by a worker; check does not call its relay lost', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startWebSocket(t);
  const { sshConfigFile, file } = vault(t, sshd);
  const relay = { forwards: [`0:127.0.0.1:${port}`] };
  writeConfig(t, { sshConfigFile }, relay);
  t.match(
    (await examine(t)).bad,
    [{ step: 'login', fault: { code: 'IDENTITY_UNREADABLE' } }],
    'without it nobody gets in',
  );
  writeConfig(t, { sshConfigFile }, { ...relay, plugins: [file] });
  const { code, of, stderr } = await examine(t);
  t.equal(code, 0);
  t.match(of('plugins'), [{ state: 'well', text: `${file} gives a key to log in with` }]);
  t.match(of('identities').at(-1), { state: 'well', text: /given by a plugin/ });
  t.match(stderr, /^asked$/m, 'its words do not stand in the JSON');
  t.match(await runTowline(t, ['check']), { code: 0, stdout: /warning: .*no identity.*`towline doctor` asks it/ });
  chmodSync(file, 0o666);
  const open = await examine(t);
  t.match(open.bad, [{ step: 'plugins', fault: { code: 'PLUGIN_UNTRUSTED' } }]);
  t.same([open.bad.length, open.of('reached')], [1, []], 'its relay would not go on either');
});
