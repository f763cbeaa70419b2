import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { descendants, endAll } from '../../fixtures/process-tree.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// A worker that ends has clients on the way to it, and is not known to be gone for a while.

test('clients that were handed to a worker which ends before it reads of them are served by the next one', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const [pid, port] = [relays.worker('r'), relays.port('r')];
  process.kill(pid, 'SIGSTOP');
  const answers = Array.from({ length: 20 }, (_, n) => exchange(port, `client ${n}`, 30_000));
  await waitUntil('all are handed over', () => {
    const { accepted, held } = relays.status('r').counters;
    return accepted === 20 && held === 0;
  });
  process.kill(pid, 'SIGKILL');
  t.same(
    (await Promise.all(answers)).map(String),
    answers.map((_, n) => `client ${n}`),
  );
  t.not(relays.worker('r'), pid);
  t.equal(relays.status('r').counters.refused, 0);
});

test('clients that come when a worker is gone, and nobody has told yet, wait for the next one', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const file = join(makeTemp(t, 'heir'), 'heir.mjs');
  // What it leaves behind holds its stderr: its end is told a while after its channel has closed.
  const code = `import { spawn } from 'node:child_process';
export default { name: 'heir', relay: () => {
  globalThis.heir = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return {};
} };\n`;
  writeFileSync(file, code, { mode: 0o600 });
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [file] },
  });
  const heirs = () => descendants(process.pid).filter(({ name }) => name === 'sleep');
  await relays.reach('r', 'connected');
  const left = descendants(relays.worker('r')).map(({ pid }) => pid);
  t.teardown(() => endAll([...left, ...heirs().map(({ pid }) => pid)]));
  t.equal(left.length, 1);
  const [pid, port] = [relays.worker('r'), relays.port('r')];
  let ended = false;
  const mourned = relays.next('its end', ({ type }) => type === 'worker.ended').then(() => (ended = true));
  process.kill(pid, 'SIGKILL');
  const answers: Promise<Buffer>[] = [];
  while (!ended) {
    answers.push(exchange(port, `client ${answers.length}`, 30_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await within('its end', mourned);
  t.ok(answers.length > 5, `${answers.length} came meanwhile`);
  t.same(
    (await Promise.all(answers)).map(String),
    answers.map((_, n) => `client ${n}`),
  );
  t.equal(relays.status('r').counters.refused, 0);
});
