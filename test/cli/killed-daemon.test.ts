import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { dial, fate, fateOf } from '../fixtures/client.ts';
import { homeOf, startTowline } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import { commandOf, descendants, runs, signalAll } from '../fixtures/process-tree.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil, within } from '../fixtures/wait.ts';

const isWorker = ({ pid }: { pid: number }) => commandOf(pid).includes('worker/entry');
/** In proc_pid_stat(5) it looks like the fields behind it, on two lines. */
const misleading = JSON.stringify('x) S 1\n1 ');
/** What all workers together cost for that, bytes of its own (proc_pid_smaps_rollup(5)). */
const ownSize = (pid: number) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);

/** A daemon with one relay, which is up. */
async function startOne(t: Test) {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const port = await freePort();
  const relay = { host: 'test', forwards: [`${port}:127.0.0.1:${echo.port}`] };
  const config = JSON.stringify({ sshConfig: sshd.sshConfigFile, relays: { r: relay } });
  writeFileSync(join(homeOf(t), 'towline.json'), config, { mode: 0o600 });
  const up = startTowline(t, ['up']);
  await up.waitForOutput(/reaches its target/);
  return { up, port };
}

test('kill -9 of the daemon ends a worker that spins and one that is stopped, within seconds', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const home = homeOf(t);
  const spins = join(home, 'it-spins');
  const plugin = join(home, 'spin.mjs');
  writeFileSync(
    plugin,
    `import { writeFileSync } from 'node:fs';
    export default { name: 'spin', relay: () => ({ admit() { process.title = ${misleading}; writeFileSync(${JSON.stringify(spins)}, ''); for (;;); } }) };\n`,
    { mode: 0o600 },
  );
  const ports = [await freePort(), await freePort(), await freePort()];
  const relay = (index: number) => ({ host: 'test', forwards: [`${ports[index]}:127.0.0.1:${echo.port}`] });
  const relays = { spins: { ...relay(0), plugins: [plugin] }, stopped: relay(1), well: relay(2) };
  writeFileSync(join(home, 'towline.json'), JSON.stringify({ sshConfig: sshd.sshConfigFile, relays }), { mode: 0o600 });
  const up = startTowline(t, ['up']);
  for (const name of Object.keys(relays)) await up.waitForOutput(new RegExp(`${name}: .*reaches its target`));
  const children = descendants(up.pid);
  const workers = children.filter(isWorker).map(({ pid }) => pid);
  t.equal(workers.length, 3);
  const others = children.filter((one) => !isWorker(one));
  t.equal(others.length, 1, 'one process watches over all of them');
  const [watcher] = others;
  if (watcher === undefined) throw new Error('unreachable');
  t.comment(`measured ${ownSize(watcher.pid)} KiB for the process that ends the workers of a killed daemon`);
  // A terminal signals the whole group.
  signalAll([watcher.pid], 'SIGINT');
  signalAll([watcher.pid], 'SIGTERM');
  const client = connect(ports[0] ?? 0, '127.0.0.1');
  t.teardown(() => client.destroy());
  client.on('error', () => undefined);
  await waitUntil('it spins', () => existsSync(spins));
  const stopped = workers.filter((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') S '))[0] ?? 0;
  signalAll([stopped], 'SIGSTOP');
  const began = performance.now();
  await up.stop('SIGKILL');
  // They have a second to go by themselves; how much more it takes is the machine's.
  await waitUntil('all of them are gone', () => ![...workers, watcher.pid].some(runs), { timeout: 5_000, every: 1 });
  const took = Math.round(performance.now() - began);
  t.comment(`measured ${took} ms from kill -9 of the daemon to the end of its last process`);
  for (const port of ports) t.equal(await fateOf(port), 'ECONNREFUSED');
});

test('kill -9 of the daemon, or of a check, ends the daemon side of a plugin that spins', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const home = homeOf(t);
  const spins = (hook: 'check' | 'observe') => {
    const [file, mark] = [join(home, `${hook}.mjs`), join(home, `${hook}-spins`)];
    const loop = `process.title = ${misleading}; writeFileSync(${JSON.stringify(mark)}, String(process.pid)); for (;;);`;
    const code = `import { writeFileSync } from 'node:fs';
    export default { name: 'spin', daemon: () => ({ ${hook}() { ${loop} } }) };\n`;
    writeFileSync(file, code, { mode: 0o600 });
    const forwards = [`0:127.0.0.1:${echo.port}`];
    const r = { host: 'test', forwards, plugins: [{ use: file, deadlines: { [hook]: '10m' } }] };
    const config = JSON.stringify({ sshConfig: sshd.sshConfigFile, relays: { r } });
    writeFileSync(join(home, 'towline.json'), config, { mode: 0o600 });
    return mark;
  };
  for (const [hook, command] of [
    ['observe', 'up'],
    ['check', 'check'],
  ] as const) {
    const mark = spins(hook);
    const started = startTowline(t, [command]);
    await waitUntil('it spins', () => existsSync(mark) && readFileSync(mark, 'utf8') !== '');
    const all = descendants(started.pid).map(({ pid }) => pid);
    t.teardown(() => signalAll(all.filter(runs), 'SIGKILL'));
    t.ok(all.includes(Number(readFileSync(mark, 'utf8'))), `${command}: under another name`);
    await started.stop('SIGKILL');
    await waitUntil('all of them are gone', () => !all.some(runs), { timeout: 5_000 });
  }
});

test('who watches over the workers ends with the last of them, and another takes its place when it is lost', async (t) => {
  const { up } = await startOne(t);
  const find = (worker: boolean) => descendants(up.pid).find((one) => isWorker(one) === worker && runs(one.pid))?.pid;
  const [watcher, worker] = [find(false) ?? 0, find(true) ?? 0];
  signalAll([watcher], 'SIGKILL');
  await waitUntil('it is gone', () => !runs(watcher));
  signalAll([worker], 'SIGKILL');
  await waitUntil('another worker has another watcher', () => find(true) !== undefined && find(false) !== undefined);
  const second = find(false) ?? 0;
  t.not(second, watcher);
  t.equal((await up.stop()).code, 0);
  await waitUntil('nobody is left', () => !runs(second));
});

test('kill -9 of the daemon resets who is served: nobody takes what he got by then for the whole', async (t) => {
  const { up, port } = await startOne(t);
  const clients = await Promise.all(Array.from({ length: 50 }, () => dial(port)));
  for (const client of clients) client.write('x');
  await Promise.all(clients.map((client) => within('an echo', once(client, 'data'))));
  const fates = clients.map(fate);
  await up.stop('SIGKILL');
  t.same(new Set(await within('their ends', Promise.all(fates))), new Set(['ECONNRESET']));
});
