import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange } from '../../fixtures/client.ts';
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
  const text = () => readFileSync(heard, { encoding: 'utf8', flag: 'a+' });
  await waitUntil('it hears', () => text().includes(`${process.pid} r forward.judged\n`));
  t.notMatch(text(), / other /, 'of its own relay only');
  await relays.supervisor.stopRelay('r');
  t.match(text(), /dismissed\n/);
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
