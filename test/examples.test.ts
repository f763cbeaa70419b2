import { createHash, randomBytes } from 'node:crypto';
import { cpSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'tap';
import { loadGuest } from '../src/core/plugin/load.ts';
import { pluginConforms } from '../src/plugin.ts';
import { startEcho } from './fixtures/backend.ts';
import { dial, exchange } from './fixtures/client.ts';
import { startSshd } from './fixtures/sshd.ts';
import { supervise } from './fixtures/supervised.ts';
import { makeTemp, type Owner } from './fixtures/temp.ts';
import { within } from './fixtures/wait.ts';

/** A copy that nobody else can write, wherever the checkout is. */
function example(t: Owner, name: string): string {
  const file = join(makeTemp(t, 'example'), name.replace(/js$/, 'mjs'));
  cpSync(join('examples', name), file);
  return file;
}

const samples: Readonly<Record<string, Parameters<typeof pluginConforms>[1]>> = {
  'count-bytes.js': {},
  'office-hours.js': { options: { from: 0, to: 24 }, refused: [{ from: 9.5 }, { from: 18, to: 8 }, { to: 'six' }] },
};

test('every example keeps the rules', async (t) => {
  t.same(readdirSync('examples').sort(), Object.keys(samples).sort());
  for (const [name, sample] of Object.entries(samples)) {
    const { plugin } = await loadGuest({ use: example(t, name), options: sample?.options ?? {} }, {});
    await pluginConforms(plugin, sample);
    t.equal(plugin.name, name.replace(/\.js$/, ''));
  }
});

test('count-bytes counts what passes, and all of it passes, half-closed as well', async (t) => {
  const sshd = await startSshd(t);
  const down = randomBytes(3 << 20);
  const heard = createHash('sha256');
  const backend = createServer({ allowHalfOpen: true }, (socket) => {
    // It answers when all has come: an end that is lost on the way, or comes too early, would show.
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => heard.update(chunk)).on('end', () => socket.end(down));
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.teardown(() => backend.close());
  const address = backend.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${address.port}`], plugins: [example(t, 'count-bytes.js')] },
  });
  await relays.reach('r', 'connected');
  const up = randomBytes(2 << 20);
  const said = relays.next('the count', (event) => event.type === 'worker.said' && / bytes up/.test(event.text));
  const client = await dial(relays.port('r'));
  const got = createHash('sha256');
  client.on('data', (chunk) => got.update(chunk));
  client.end(up);
  await within('the end', once(client, 'end'));
  const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  t.equal(heard.digest('hex'), sum(up));
  t.equal(got.digest('hex'), sum(down));
  t.match(await said, { relay: 'r', text: `r: ${up.length} bytes up, ${down.length} bytes down` });
});

test('office-hours refuses whom it does not let in by its reason', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const use = example(t, 'office-hours.js');
  const hour = new Date().getHours();
  const shut = hour >= 12 ? { from: 0, to: 1 } : { from: 22, to: 24 };
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, {
    open: { host: 'test', forwards, plugins: [{ use, from: 0, to: 24 }] },
    shut: { host: 'test', forwards, plugins: [{ use, ...shut }] },
    wrong: { host: 'test', forwards, plugins: [{ use, from: 'nine' }] },
  });
  await relays.reach('open', 'connected');
  t.equal((await exchange(relays.port('open'), 'x')).toString(), 'x');
  await relays.reach('shut', 'connected');
  const refused = relays.next('the refusal', (event) => event.type === 'connection.refused');
  const client = await dial(relays.port('shut'));
  await t.rejects(once(client, 'end'), { code: 'ECONNRESET' });
  t.match(await refused, {
    relay: 'shut',
    fault: { code: 'ADMISSION_REFUSED', message: /^plugin office-hours refused a client: it is \d+ o'clock/ },
  });
  t.match((await relays.reach('wrong', 'blocked')).standing.fault, {
    code: 'CONFIG_INVALID',
    message: 'plugin office-hours refuses its options: from is no hour from 0 to 24; correct them',
  });
});
