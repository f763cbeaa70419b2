import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf } from '../fixtures/cli.ts';
import { dial, exchange } from '../fixtures/client.ts';
import { BACKEND_COMMAND, ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { signalAll } from '../fixtures/process-tree.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { run, startDaemon } from './daemon.ts';

test('kill -9 of a worker: the download fails, the port serves on, the other relay does not notice', async (t) => {
  const container = await startContainer(t);
  await container.exec(`setsid ${BACKEND_COMMAND} http --port=8080 >/tmp/log 2>&1 </dev/null &`);
  const daemon = await startDaemon(t, container, {
    victim: { host: 'test', forwards: ['0:127.0.0.1:8080', `0:127.0.0.1:${ECHO_PORT}`] },
    other: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] },
  });
  await daemon.reach('victim', 'connected');
  await daemon.reach('other', 'connected');
  const stream = await dial(await daemon.port('other'));
  const download = run('curl', [
    '-sS',
    '-o',
    '/dev/null',
    `http://127.0.0.1:${await daemon.port('victim')}/slow/100000000/20`,
  ]);
  await waitUntil('bytes flow', async () => (await daemon.status('victim')).counters.received > 0);
  const echo = await daemon.port('victim', 1);
  const pid = (await daemon.status('victim')).lanes[0]?.pid ?? null;
  if (pid === null) throw new Error('the victim has no worker');
  signalAll([pid], 'SIGKILL');
  const { code, stderr } = await download;
  t.equal(code, 56, `curl: ${stderr.trim()}`);
  const kept = await run('sh', ['-c', `printf 'asked and ended' | nc -N 127.0.0.1 ${echo}`]);
  t.match(kept, { code: 0, stdout: 'asked and ended' }, 'nc -N keeps its answer');
  stream.write('untouched');
  const [answer] = await once(stream, 'data');
  t.equal(String(answer), 'untouched');
  stream.destroy();
});

test('a spinning worker is replaced, and the other relay does not notice', async (t) => {
  const container = await startContainer(t);
  const plugin = join(homeOf(t), 'spin.mjs');
  writeFileSync(plugin, "export default { name: 'spin', relay: () => ({ admit() { for (;;); } }) };\n", {
    mode: 0o600,
  });
  const forwards = [`0:127.0.0.1:${ECHO_PORT}`];
  const daemon = await startDaemon(t, container, {
    spins: { host: 'test', forwards, plugins: [plugin], drain: '1s' },
    other: { host: 'test', forwards },
  });
  await daemon.reach('spins', 'connected');
  await daemon.reach('other', 'connected');
  const pid = (await daemon.status('spins')).lanes[0]?.pid;
  const began = performance.now();
  const victim = await dial(await daemon.port('spins'));
  t.teardown(() => victim.destroy());
  await waitUntil('another worker', async () => (await daemon.status('spins')).lastFault?.code === 'WORKER_HUNG');
  t.comment(`a spinning worker was replaced after ${Math.round(performance.now() - began)} ms`);
  t.ok(performance.now() - began < 8_000);
  t.not((await daemon.status('spins')).lanes[0]?.pid, pid);
  t.equal((await exchange(await daemon.port('other'), 'calm')).toString(), 'calm');
  // The daemon must end its workers itself: one that spins does not notice that its supervisor was killed.
  victim.destroy();
  await daemon.cli.stop();
});
