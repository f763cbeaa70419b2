import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { noNamespaces, startNamespace } from '../fixtures/namespace.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';

const module = (path: string) => JSON.stringify(new URL(`../../src/core/${path}`, import.meta.url).href);

/** A user without any other process: to root the limit does not apply. It may read what root may. */
const nobody = ['setpriv', '--reuid=60217', '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];

test('a plugin that gets no process fails alone: who starts it goes on, and the config is checked', async (t) => {
  const file = join(makeTemp(t, 'processes'), 'main.mjs');
  const code = `import { execFileSync } from 'node:child_process';
import { RelayGuests } from ${module('supervisor/relay/relay-guests.js')};
import { checkByGuests } from ${module('plugin/check-config.js')};
import { Reaper } from ${module('process/reaper.js')};
const use = { use: '/nowhere.mjs', from: '/', options: {}, deadlines: {} };
const relay = { name: 'r', plugins: [use] };
const said = [];
const reaper = new Reaper();
const guests = new RelayGuests(relay, {}, reaper, { failed: (name, { code, message }) => said.push([code, message]), said: () => undefined });
execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=0:0']);
guests.seat([0]);
const [check] = await checkByGuests({ file: '/towline.json', relays: [relay] }, { builtins: {}, reaper, loading: 1000, trial: false });
await guests.dismiss();
console.log(JSON.stringify({ said, check: [check.kind, check.fault.code, check.fault.message] }));
`;
  writeFileSync(file, code);
  const [program = '', ...words] = [...(process.getuid?.() === 0 ? nobody : []), process.execPath, file];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [out, errors] = await within('its end', Promise.all([text(child.stdout), text(child.stderr)]));
  t.equal(errors, '');
  const sentence =
    /^the system gives no process to plugin \/nowhere\.mjs: .*; end what uses up the processes of this user, then restart the relay$/;
  const told = JSON.parse(out);
  t.equal(told.said.length, 1, 'once');
  t.match(told, { said: [['PLUGIN_FAILED', sentence]], check: ['failed', 'PLUGIN_FAILED', sentence] });
});

test('where the system tells of no process how much it holds, V8 ends a daemon side that fills its heap', {
  skip: noNamespaces,
}, async (t) => {
  const dir = makeTemp(t, 'greedy');
  const plugin = join(dir, 'plugin.mjs');
  const observe = 'observe() { for (;;) kept.push(Array.from({ length: 1e5 }, (_, n) => ({ n }))); }';
  writeFileSync(plugin, `const kept = [];\nexport default { name: 'p', daemon: () => ({ ${observe} }) };\n`, {
    mode: 0o600,
  });
  const file = join(dir, 'main.mjs');
  const code = `import { DaemonSide } from ${module('plugin/daemon-side/daemon-side.js')};
import { Reaper } from ${module('process/reaper.js')};
const use = { use: ${JSON.stringify(plugin)}, from: '/', options: {}, deadlines: { observe: 60_000 } };
const fault = await new Promise((ended) => {
  const side = new DaemonSide(use, {}, new Reaper(), { failed: ended, said: () => undefined, ended });
  void side.seat('r', use).then(() => side.observe({ type: 'x' }));
});
console.log(JSON.stringify(fault.message));
`;
  writeFileSync(file, code);
  const namespace = await startNamespace(t);
  await namespace.run('mount', '-t', 'tmpfs', 'none', '/proc');
  const out = await namespace.run(process.execPath, file);
  t.match(JSON.parse(out), /plugin\.mjs was killed by SIGABRT \("FATAL ERROR: .* heap out of memory"\); mend it/);
});
