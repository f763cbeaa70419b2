import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho, startSilent } from '../../fixtures/backend.ts';
import { dial, exchange, fate, fateOf } from '../../fixtures/client.ts';
import { commandOf, descendants, endAll, signalAll } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** A plugin whose gate does what `code` says when a client comes. */
function gatePlugin(t: Owner, code: string): string {
  const file = join(makeTemp(t, 'gate'), 'gate.mjs');
  writeFileSync(file, `export default { name: 'gate', relay: () => ({ admit() { ${code} } }) };\n`, { mode: 0o600 });
  return file;
}

test('a worker that spins is replaced within 7 s, and the other relay loses no byte', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, {
    spins: { host: 'test', forwards, plugins: [gatePlugin(t, 'for (;;);')] },
    other: { host: 'test', forwards },
  });
  await relays.reach('spins', 'connected');
  await relays.reach('other', 'connected');
  const calm = await dial(relays.port('other'));
  const pid = relays.worker('spins');
  const began = performance.now();
  const victim = await dial(relays.port('spins'));
  t.teardown(() => victim.destroy());
  const ended = await relays.next('the replacement', (event) => event.type === 'worker.ended');
  t.match(ended, { relay: 'spins', pid, fault: { code: 'WORKER_HUNG' } });
  const took = performance.now() - began;
  t.ok(took < 7_000, `noticed after ${Math.round(took)} ms`);
  t.comment(`a spinning worker was replaced after ${Math.round(took)} ms`);
  calm.write('still here');
  const [answer] = await once(calm, 'data');
  t.equal(String(answer), 'still here');
  calm.destroy();
});

test('F99: a worker that does not answer is known to the watchdog until it is replaced', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  t.equal(relays.supervisor.answering(), true);
  const ended = relays.next('the end', (event) => event.type === 'worker.ended');
  process.kill(relays.worker('r'), 'SIGSTOP');
  await waitUntil('it is known', () => !relays.supervisor.answering());
  t.equal(relays.events.filter(({ type }) => type === 'worker.ended').length, 0, 'before it is replaced');
  t.match(await ended, { fault: { code: 'WORKER_HUNG' } });
  await relays.reach('r', 'connected');
  t.equal(relays.supervisor.answering(), true);
});

test('a worker that exits again and again is blocked after its restart intensity, the other one lives', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const file = join(makeTemp(t, 'crash'), 'crash.mjs');
  writeFileSync(
    file,
    "export default { name: 'crash', relay: () => { setTimeout(() => process.abort(), 20); return {}; } };\n",
    { mode: 0o600 },
  );
  const relays = await supervise(t, sshd, {
    crashes: { host: 'test', forwards, plugins: [file] },
    other: { host: 'test', forwards },
  });
  const status = await relays.reach('crashes', 'blocked', 40_000);
  t.match(status.standing.fault, {
    code: 'WORKER_CRASHING',
    message: /6 times in 60 s, last: worker \d+ was killed by SIGABRT/,
  });
  t.equal((await exchange(relays.port('other'), 'alive')).toString(), 'alive');
  t.ok((status.standing.until ?? 0) > Date.now() + 30_000, 'it says when it is tried again');
  t.equal(await fateOf(relays.port('crashes'), 5_000), 'ECONNRESET', 'nobody waits for it');
  const refused = await relays.next('the refusal', (event) => event.type === 'connection.refused');
  t.match(refused, { fault: { code: 'WORKER_CRASHING' } });
  const before = relays.supervisor.status().id;
  await relays.supervisor.startRelay('crashes');
  await relays.next('a try at once', (event) => event.type === 'worker.started', before, 5_000);
  // Who mends a plugin step by step has the whole budget each time.
  const anew = relays.supervisor.status().id;
  await relays.supervisor.restartRelay('crashes');
  const ends = (event: Event) => event.type === 'worker.ended' && event.relay === 'crashes';
  const again = (event: Event) => event.type === 'worker.ended' && event.fault.code === 'WORKER_CRASHING';
  const last = await relays.next('it is given up again', again, anew, 40_000);
  const begun = relays.events.find(({ id, type }) => id > anew && type === 'relay.started')?.id ?? 0;
  t.equal(relays.events.filter((event) => event.id > begun && event.id <= last.id && ends(event)).length, 6);
});

test('a worker that cannot be started is tried again, and only one ever runs', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const node = process.execPath;
  t.teardown(() => {
    process.execPath = node;
  });
  const before = relays.supervisor.status().id;
  const failed = relays.next('the failed start', (event) => event.type === 'worker.ended' && event.pid === 0, before);
  process.execPath = join(makeTemp(t, 'gone'), 'node');
  process.kill(relays.worker('r'), 'SIGKILL');
  t.match(await failed, { fault: { code: 'WORKER_FAILED', message: /ENOENT/ } });
  process.execPath = node;
  await relays.reach('r', 'connected');
  const workers = () => descendants(process.pid).filter(({ pid }) => commandOf(pid).includes('worker/entry'));
  t.same(
    workers().map(({ pid }) => pid),
    [relays.worker('r')],
  );
  await relays.supervisor.close('the test ends');
  t.same(workers(), []);
});

test('a worker that left a process behind with its stderr is mourned all the same', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const file = join(makeTemp(t, 'heir'), 'heir.mjs');
  const code = [
    "import { spawn } from 'node:child_process';",
    "const heir = () => spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'inherit'] });",
    "export default { name: 'heir', relay: ({ signal }) => { const child = heir(); globalThis.heir = child; return {}; } };",
  ];
  writeFileSync(file, `${code.join('\n')}\n`, { mode: 0o600 });
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [file] },
  });
  await relays.reach('r', 'connected');
  const pid = relays.worker('r');
  const heirs = descendants(pid).map((one) => one.pid);
  t.teardown(() =>
    endAll([...heirs, ...descendants(process.pid).flatMap((one) => (one.name === 'sleep' ? one.pid : []))]),
  );
  t.equal(heirs.length, 1);
  const open = await dial(relays.port('r'));
  open.write('x');
  await once(open, 'data');
  const cut = fate(open);
  const began = performance.now();
  process.kill(pid, 'SIGKILL');
  t.equal(await within('the cut', cut, 5_000), 'ECONNRESET');
  t.comment(`cut ${Math.round(performance.now() - began)} ms after the worker was killed`);
});

test('a worker that uses more memory than allowed is replaced', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const plugin = gatePlugin(t, 'globalThis.leak = Buffer.alloc(400 * 1024 * 1024, 1); return true;');
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [plugin], memory: '300MiB' },
  });
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  t.teardown(() => client.destroy());
  const ended = await relays.next('the replacement', (event) => event.type === 'worker.ended');
  t.match(ended, { fault: { code: 'WORKER_BLOATED', message: /of 300 MiB/ } });
});

test('stopping lets open connections end; a second word ends them now', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const polite = await dial(relays.port('r'));
  polite.write('x');
  await once(polite, 'data');
  const stopped = relays.supervisor.stopRelay('r');
  await relays.reach('r', 'draining');
  polite.end('last words');
  const [answer] = await once(polite, 'data');
  t.equal(String(answer), 'last words', 'an open connection goes on while it drains');
  await within('the stop', stopped);
  t.equal(relays.status('r').standing.word, 'offline');

  await relays.supervisor.startRelay('r');
  await relays.reach('r', 'connected');
  const stubborn = await dial(relays.port('r'));
  stubborn.write('x');
  await once(stubborn, 'data');
  const cut = fate(stubborn);
  const closed = relays.supervisor.close('asked');
  const began = performance.now();
  relays.supervisor.now();
  t.equal(await within('the cut', cut), 'ECONNRESET');
  await within('the end', closed);
  t.ok(performance.now() - began < 1_000, `ended after ${Math.round(performance.now() - began)} ms`);
});

test('a drain that runs out of time cuts what is left with a reset', async (t) => {
  const sshd = await startSshd(t);
  const silent = await startSilent(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${silent.port}`], drain: '1s' },
  });
  await relays.reach('r', 'connected');
  await waitUntil('the look at the target', () => silent.accepted() === 1);
  const accepted = silent.nextConnection();
  const client = await dial(relays.port('r'));
  await accepted;
  const cut = fate(client);
  await within('the stop', relays.supervisor.stopRelay('r'), 5_000);
  t.equal(await within('the cut', cut), 'ECONNRESET');
});

test('fifty shared relays live in one worker over one link', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const one = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], isolation: 'shared' };
  const names = Array.from({ length: 50 }, (_, index) => `r${index}`);
  const began = performance.now();
  const relays = await supervise(t, sshd, Object.fromEntries(names.map((name) => [name, one])));
  for (const name of names) await relays.reach(name, 'connected');
  t.comment(`50 shared relays were connected after ${Math.round(performance.now() - began)} ms`);
  t.equal(new Set(names.map((name) => relays.worker(name))).size, 1, 'one worker');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'one login');
  t.equal((await exchange(relays.port('r49'), 'shared')).toString(), 'shared');
  await relays.supervisor.stopRelay('r0');
  t.equal((await exchange(relays.port('r1'), 'unharmed')).toString(), 'unharmed', 'the link outlives one of its users');
  sshd.killSessions();
  await relays.next(
    'the loss',
    (event) => event.type === 'lane.changed' && event.state.at === 'dialing',
    relays.supervisor.status().id,
  );
  for (const name of names.slice(1)) await relays.reach(name, 'connected');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 2, 'and came back with one login');
});

test('with two lanes a killed link, or worker, costs no new connection more than 50 ms', {
  timeout: 120_000,
}, async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], lanes: 2, settle: '0s' },
  });
  await relays.reach('r', 'connected');
  const bothUp = () =>
    waitUntil('both lanes are up', () => relays.status('r').lanes.every((lane) => lane.state.at === 'up'));
  await bothUp();
  t.equal(relays.status('r').standing.reason, 'unverified, lanes 2/2');
  const ask = async () => {
    const began = performance.now();
    t.equal((await exchange(relays.port('r'), 'at once')).toString(), 'at once');
    return performance.now() - began;
  };
  // What runs a command is an sshd too for a moment.
  const settled = process.getuid?.() === 0 ? 1 : 2;
  const sessions = async () => {
    await waitUntil(
      'only the sessions are left',
      () => sshd.connections().every((pids) => pids.length === settled) && sshd.connections().length === 2,
    );
    return sshd.connections();
  };
  /** Whoever comes with the deed, and until it has been noticed; the worst of them, ms. */
  const worstOf = async (deed: () => void) => {
    const noticed = relays.next(
      'the loss',
      (event) => event.type === 'worker.ended' || event.type === 'lane.changed',
      relays.supervisor.status().id,
    );
    let over = false;
    void noticed.then(() => {
      over = true;
    });
    deed();
    const times = [await ask()];
    while (!over) times.push(await ask());
    times.push(await ask());
    t.equal(relays.status('r').standing.word, 'connected', 'it never left');
    await bothUp();
    return Math.max(...times);
  };
  const usual: number[] = [];
  for (let n = 0; n < 20; n += 1) usual.push(await ask());
  const links: number[] = [];
  for (let n = 0; n < 10; n += 1) {
    const pids = (await sessions())[n % 2] ?? [];
    links.push(await worstOf(() => signalAll(pids, 'SIGKILL')));
  }
  const workers = [await worstOf(() => process.kill(relays.worker('r', 0), 'SIGKILL'))];
  const slowest = { usual: Math.max(...usual), link: Math.max(...links), worker: Math.max(...workers) };
  t.comment(`measured F01 lanes=2 worst ${JSON.stringify(slowest)}`);
  t.ok(slowest.link < slowest.usual + 50 && slowest.worker < slowest.usual + 50, JSON.stringify(slowest));
});

test('a daemon that ends starts nothing any more', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], drain: '1s' },
  });
  await relays.reach('r', 'connected');
  const stubborn = await dial(relays.port('r'));
  t.teardown(() => stubborn.destroy());
  stubborn.write('x');
  await once(stubborn, 'data');
  const restart = relays.supervisor.restartRelay('r');
  const refused = t.rejects(restart, { code: 'NOT_RUNNING', message: /the daemon is ending/ });
  await relays.supervisor.close('asked meanwhile');
  await refused;
  await t.rejects(relays.supervisor.startRelay('r'), { code: 'NOT_RUNNING' });
  t.equal(relays.status('r').standing.word, 'offline');
});

test('a relay that is stopped while it starts is stopped, and starts again', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', start: false, forwards: [`0:127.0.0.1:${echo.port}`] },
  });
  t.equal(relays.status('r').standing.word, 'offline');
  const starting = relays.supervisor.startRelay('r');
  await Promise.all([starting, relays.supervisor.stopRelay('r')]);
  t.equal(relays.status('r').standing.word, 'offline');
  await relays.supervisor.restartRelay('r');
  await relays.reach('r', 'connected');
});

test('a restart refuses nobody: who comes while it drains is held, and served by the new lane', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], drain: '2s' },
  });
  await relays.reach('r', 'connected');
  const [port, pid] = [relays.port('r'), relays.worker('r')];
  const open = await dial(port);
  open.write('x');
  await once(open, 'data');
  const restarted = relays.supervisor.restartRelay('r');
  await relays.reach('r', 'draining');
  t.match(relays.status('r').standing.reason, /restarting/);
  const served = exchange(port, 'patient');
  open.write('still');
  const [answer] = await once(open, 'data');
  t.equal(String(answer), 'still', 'what is open goes on while it drains');
  const cut = fate(open);
  t.equal(await within('the cut', cut), 'ECONNRESET', 'and is cut when the time is over');
  await restarted;
  t.equal(String(await served), 'patient');
  await relays.reach('r', 'connected');
  t.not(relays.worker('r'), pid);
  t.equal(relays.port('r'), port);
  t.equal(relays.events.filter((event) => event.type === 'listener.bound').length, 1, 'the listener never moved');
});

test('relays that trust other keys, or keep to other times, share no link', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const strange = join(sshd.dir, 'strange');
  writeFileSync(strange, '');
  const own = readFileSync(sshd.sshConfigFile, 'utf8');
  const other = own.replace('Host test', 'Host distrusted').replace(sshd.knownHostsFile, strange);
  writeFileSync(sshd.sshConfigFile, `${own}\n${other}`);
  const one = { forwards: [`0:127.0.0.1:${echo.port}`], isolation: 'shared' };
  const relays = await supervise(t, sshd, {
    trusted: { host: 'test', ...one },
    distrusted: { host: 'distrusted', ...one },
    hasty: { host: 'test', ...one, keepalive: { interval: '1s', count: 1 } },
  });
  await relays.reach('trusted', 'connected');
  t.match((await relays.reach('distrusted', 'blocked')).standing.fault, { code: 'HOST_KEY_UNKNOWN' });
  t.equal((await relays.reach('hasty', 'connected')).lanes[0]?.link?.detect, 2_000);
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 2, 'a link for each');
});
