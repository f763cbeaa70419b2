import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { makeTemp } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';

const module = (path: string) => JSON.stringify(new URL(`../../src/core/${path}`, import.meta.url).href);

test('a worker that cannot be made for lack of memory is a fault, and not the end of the daemon', async (t) => {
  const file = join(makeTemp(t, 'memory'), 'main.mjs');
  const code = `import { WorkerProcess } from ${module('supervisor/workers/worker-process.js')};
import { Reaper } from ${module('process/reaper.js')};
const { code, message } = await new Promise((ended) => new WorkerProcess(1e9, { message() {}, said() {}, ended }));
const reaper = new Reaper();
reaper.watch(1);
reaper.forget(1);
await reaper.ended();
console.log(JSON.stringify([code, message]));
`;
  writeFileSync(file, code);
  // Threads are made by clone3(2).
  const forks = 'clone,fork,vfork';
  const traced = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${forks}`, '-e', `inject=${forks}:error=ENOMEM`];
  const words = [...traced, process.execPath, file];
  const child = spawn('strace', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [out, errors] = await within('its end', Promise.all([text(child.stdout), text(child.stderr)]));
  t.notMatch(errors, /Error/);
  t.match(JSON.parse(out), ['WORKER_FAILED', /^a worker could not be started: .*ENOMEM.*; see what the system lacks$/]);
});
