import { test } from 'tap';
import { runStarved } from '../../fixtures/starved.ts';

const module = new URL('../../../src/core/process/reaper.js', import.meta.url).href;

test('a daemon without a descriptor left goes on without a watcher, and has one with the next worker', async (t) => {
  const end = await runStarved(
    t,
    `import { Reaper } from ${JSON.stringify(module)};
const reaper = new Reaper();
takeAll();
reaper.watch(process.pid);
await new Promise((resolve) => setImmediate(resolve));
giveBack();
reaper.watch(process.ppid);
const { default: { spawnSync } } = await import('node:child_process');
console.log(spawnSync('ps', ['-o', 'args=', '--ppid', String(process.pid)]).stdout.toString().includes('read -r what pid') ? 'watched' : 'alone');
reaper.forget(process.pid);
reaper.forget(process.ppid);
await reaper.ended();
`,
  );
  t.match(end, { code: 0, stdout: 'watched\n', stderr: '' });
});
