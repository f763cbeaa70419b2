import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Test, test } from 'tap';
import { noNamespaces } from '../fixtures/namespace.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';

const module = (path: string) => JSON.stringify(new URL(`../../src/core/${path}`, import.meta.url).href);

/** Numbers of its own for what runs in there: a stray signal reaches nobody else. */
const apart = noNamespaces ? [] : ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', '--'];

/** Processes that are made for other processes, while threads are made by clone3(2). */
const forks = 'clone,fork,vfork';

/** What a program prints as JSON where the kernel makes no process for lack of memory. */
async function withoutMemory(t: Test, code: string, before: readonly string[] = []): Promise<unknown> {
  const file = join(makeTemp(t, 'memory'), 'main.mjs');
  writeFileSync(file, code);
  const traced = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${forks}`, '-e', `inject=${forks}:error=ENOMEM`];
  const [program = '', ...words] = [...before, 'strace', ...traced, process.execPath, file];
  // In a group of its own: of a process that was not made the number may be that of a whole group.
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  t.teardown(() => child.kill('SIGKILL'));
  const [out, errors] = await within('its end', Promise.all([text(child.stdout), text(child.stderr)]));
  t.notMatch(errors, /Error/);
  return JSON.parse(out);
}

test('a worker that cannot be made for lack of memory is a fault, and not the end of the daemon', async (t) => {
  const told = await withoutMemory(
    t,
    `import { WorkerProcess } from ${module('supervisor/workers/worker-process.js')};
import { Reaper } from ${module('process/reaper.js')};
const { code, message } = await new Promise((ended) => {
  const worker = new WorkerProcess(1e9, { message() {}, said() {}, ended });
  worker.dismiss();
});
const reaper = new Reaper();
reaper.watch(1);
reaper.forget(1);
await reaper.ended();
console.log(JSON.stringify([code, message]));
`,
    apart,
  );
  t.match(told, ['WORKER_FAILED', /^a worker could not be started: .*ENOMEM.*; see what the system lacks$/]);
});

test('a plugin whose daemon side cannot be made for lack of memory fails alone, in the daemon and in a check', async (t) => {
  const told = await withoutMemory(
    t,
    `import { RelayGuests } from ${module('supervisor/relay/relay-guests.js')};
import { checkByGuests } from ${module('plugin/check-config.js')};
import { Reaper } from ${module('process/reaper.js')};
const relay = { name: 'r', plugins: [{ use: '/nowhere.mjs', from: '/', options: {}, deadlines: {} }] };
const reaper = new Reaper();
const failed = new Promise((resolve) => {
  new RelayGuests(relay, {}, reaper, { failed: (name, fault) => resolve(fault), said: () => undefined }).seat([0]);
});
const [check] = await checkByGuests({ file: '/towline.json', relays: [relay] }, { builtins: {}, reaper, loading: 1000, trial: false });
const faults = [await failed, check.fault];
await new Promise((resolve) => setImmediate(resolve));
console.log(JSON.stringify(faults.map(({ message }) => message)));
`,
    apart,
  );
  const sentence =
    /^the system gives no process to plugin \/nowhere\.mjs: .*ENOMEM.*; see what the system lacks, then restart the relay$/;
  t.match(told, [sentence, sentence]);
});
