import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange } from '../../fixtures/client.ts';
import { runs } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** A plugin file with this text. */
function plugin(t: Owner, text: string): string {
  const file = join(makeTemp(t, 'plugin'), 'plugin.mjs');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

test('a plugin that never loads, or loads for ever, harms its own relay only, and says so', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const began = performance.now();
  const relays = await supervise(t, sshd, {
    good: { host: 'test', forwards },
    waits: { host: 'test', forwards, plugins: [plugin(t, 'await new Promise(() => setInterval(() => 0, 1000));\n')] },
    spins: { host: 'test', forwards, plugins: [plugin(t, 'for (;;);\n')] },
  });
  t.ok(performance.now() - began < 5_000, 'the daemon starts at once');
  await relays.reach('good', 'connected');
  t.equal((await exchange(relays.port('good'), 'well')).toString(), 'well');
  t.match((await relays.reach('waits', 'blocked')).standing.fault, {
    code: 'PLUGIN_FAILED',
    message: /plugin\.mjs did not load within 10 s/,
  });
  const ended = await relays.next('the replacement', (event) => event.type === 'worker.ended');
  t.match(ended, { relay: 'spins', fault: { code: 'WORKER_HUNG' } });
  await within('the end', relays.supervisor.close('the test ends'), 10_000);
});

test('the daemon half of a plugin hears the events of its relay, once it has loaded in the worker', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const heard = join(makeTemp(t, 'heard'), 'heard');
  const file = plugin(
    t,
    `import { appendFileSync } from 'node:fs';
export default {
  name: 'scribe',
  daemon: ({ relay, signal }) => {
    signal.addEventListener('abort', () => appendFileSync(${JSON.stringify(heard)}, 'dismissed\\n'));
    return { observe: (event) => appendFileSync(${JSON.stringify(heard)}, \`\${process.ppid} \${relay} \${event.type}\\n\`) };
  },
};
`,
  );
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [file] },
    other: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] },
  });
  await relays.reach('r', 'connected');
  await relays.reach('other', 'connected');
  const said = () => readFileSync(heard, { encoding: 'utf8', flag: 'a+' });
  await waitUntil('it hears', () => said().includes(`${process.pid} r forward.judged\n`));
  t.notMatch(said(), / other /, 'of its own relay only');
  await relays.supervisor.stopRelay('r');
  t.match(said(), /dismissed\n/);
});

test('a mended plugin file ends the block by itself', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const file = plugin(t, 'export default {{\n');
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [file] },
  });
  t.match((await relays.reach('r', 'blocked')).standing.fault, { code: 'PLUGIN_FAILED' });
  writeFileSync(file, "export default { name: 'mended', relay: () => ({ admit: () => true }) };\n");
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  t.teardown(() => client.destroy());
  client.write('x');
  await once(client, 'data');
});

test('what a plugin writes is in the events, line by line, and a flood of it is cut', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const code = `export default { name: 'loud', relay: () => ({
    admit: () => { console.log('out \\x1b[31m'); console.error('err'); for (let n = 0; n < 1000; n += 1) console.log(n); return true; },
    observe: (event) => { if (event.type === 'link.opened') console.log('seen', event.type); },
  }) };
`;
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [plugin(t, code)] },
  });
  await relays.reach('r', 'connected');
  const said = (text: string) =>
    relays.next(text, (event) => event.type === 'worker.said' && event.text === text, 0, 10_000);
  const out = said('out \\x1b[31m');
  t.equal((await exchange(relays.port('r'), 'x')).toString(), 'x');
  await out;
  const lines = relays.events.filter((event) => event.type === 'worker.said');
  t.ok(lines.length < 100, `${lines.length} lines of a thousand`);
});

test('a second signal ends the daemon side of a plugin that spins, or cleans up for long, at once', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const [spins, cleans] = [join(makeTemp(t, 'mark'), 'pid'), join(makeTemp(t, 'mark'), 'pid')];
  const tell = (mark: string) => `writeFileSync(${JSON.stringify(mark)}, String(process.pid));`;
  const daemon = (text: string) =>
    plugin(t, `import { writeFileSync } from 'node:fs';\nexport default { name: 'p', daemon: ${text} };\n`);
  const spin = daemon(`() => ({ observe() { ${tell(spins)} for (;;); } })`);
  const clean = daemon(`({ signal }) => {
    let seen = false;
    signal.addEventListener('abort', () => { if (!seen) return; ${tell(cleans)} for (;;); });
    return { observe() { seen = true; } };
  }`);
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, {
    spins: { ...relay, plugins: [{ use: spin, deadlines: { observe: '10m' } }] },
    cleans: { ...relay, plugins: [clean] },
  });
  await relays.reach('cleans', 'connected');
  const pidIn = async (mark: string) => {
    await waitUntil('it spins', () => existsSync(mark) && readFileSync(mark, 'utf8') !== '');
    return Number(readFileSync(mark, 'utf8'));
  };
  const spinning = await pidIn(spins);
  const stopped = relays.supervisor.stopRelay('cleans');
  const cleaning = await pidIn(cleans);
  t.ok(runs(spinning) && runs(cleaning));
  const began = performance.now();
  relays.supervisor.now();
  await stopped;
  await waitUntil('both are gone', () => ![spinning, cleaning].some(runs));
  // Who cleans up has 2 s else, and who spins its deadline.
  t.ok(performance.now() - began < 1_500, `${Math.round(performance.now() - began)} ms`);
});

test('what a terminal sends to the whole group is not for the daemon side of a plugin, from its first moment on', async (t) => {
  const dir = makeTemp(t, 'group');
  const file = join(dir, 'main.mjs');
  const module = (path: string) => JSON.stringify(new URL(`../../../src/core/${path}`, import.meta.url).href);
  const use = {
    use: plugin(t, "export default { name: 'p', daemon: () => ({}) };\n"),
    from: '/',
    options: {},
    deadlines: {},
  };
  writeFileSync(
    file,
    `import { DaemonSide } from ${module('plugin/daemon-side/daemon-side.js')};
import { Reaper } from ${module('process/reaper.js')};
process.on('SIGINT', () => undefined);
const use = ${JSON.stringify(use)};
const side = new DaemonSide(use, {}, new Reaper(), { failed() {}, said() {}, ended() {} });
process.kill(-process.pid, 'SIGINT');
console.log(JSON.stringify(await side.seat('r', use)));
await side.dismiss();
`,
  );
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.teardown(() => child.kill('SIGKILL'));
  t.equal(await within('its end', text(child.stdout)), 'null\n');
});
