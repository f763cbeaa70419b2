import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho, startSink } from '../../fixtures/backend.ts';
import { dial, exchange, fate, readAll } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

// A plugin gets a stream, and may read it in every way in which streams are read: no byte may be missing at a clean end.

/** The ways, each as it fills `own`, which stands in the client's place. */
const ways: Readonly<Record<string, string>> = {
  'for await': `(async () => {
    for await (const chunk of client) if (!own.push(chunk)) await new Promise((more) => (own.more = more));
    own.push(null);
  })();`,
  'read()': `
    client.on('readable', () => { for (let chunk; (chunk = client.read()) !== null; ) own.push(chunk); });
    client.on('end', () => own.push(null));`,
  'listeners for data': `
    client.on('data', (chunk) => own.push(chunk));
    client.on('end', () => own.push(null));`,
  'listeners that come and go': `
    const take = (chunk) => {
      own.push(chunk);
      client.pause();
      client.off('data', take);
      setImmediate(() => client.on('data', take).resume());
    };
    client.on('data', take);
    client.on('end', () => own.push(null));`,
};

const own = (way: string) => `import { Duplex } from 'node:stream';
export default { name: 'own', relay: () => ({ wrap(client) {
  const own = new Duplex({
    read() { own.more?.(); },
    write(chunk, _, done) { client.write(chunk, done); },
    final(done) { client.end(done); },
  });
  ${way}
  return own;
} }) };
`;

/** One that only listens, and one behind it that takes its time: both give the stream back as it is. */
const counts = "export default { name: 'counts', relay: () => ({ wrap: (client) => client.on('data', () => {}) }) };\n";
const waits = `export default { name: 'waits', relay: () => ({ async wrap(client) {
  await new Promise((go) => setTimeout(go, 200));
  return client;
} }) };
`;

function plugin(t: Owner, text: string): { readonly use: string } {
  const use = join(makeTemp(t, 'plugin'), 'plugin.mjs');
  writeFileSync(use, text, { mode: 0o600 });
  return { use };
}

/** As `exchange`, by SOCKS 5; the first bytes come with the request. */
async function exchangeBySocks(port: number, target: number, bytes: Buffer): Promise<Buffer> {
  const socket = await dial(port);
  const answer = readAll(socket);
  const request = Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, target >> 8, target & 255]);
  socket.end(Buffer.concat([request, bytes]));
  return (await within(`an answer from ${port}`, answer)).subarray(12);
}

test('a plugin that destroys a client before its end cuts it, and is told of: what has come does not look whole', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const there = await freePort();
  const forwards = [`0:127.0.0.1:${echo.port}`, `remote:${there}:127.0.0.1:${echo.port}`];
  const breaks = own(
    "client.on('data', (chunk) => void (String(chunk) === 'x' ? own.push(chunk) : client.destroy()));",
  );
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, plugins: [plugin(t, breaks)] } });
  await relays.reach('r', 'connected');
  for (const [forward, port] of [relays.port('r'), there].entries()) {
    const client = await dial(port);
    client.write('x');
    await once(client, 'data');
    const ended = fate(client);
    const told = relays.next('it is told', (event) => event.type === 'connection.refused' && event.forward === forward);
    client.write('y');
    const message = /a plugin's wrap destroyed a client's stream before its end/;
    t.match(await told, { fault: { code: 'PLUGIN_FAILED', message } });
    t.equal(await within('its end', ended), forward === 0 ? 'ECONNRESET' : 'end', 'SSH has no word for a reset');
  }
});

test('what a target of this machine says last comes whole, though it has closed and a plugin takes its time', async (t) => {
  const sshd = await startSshd(t);
  const sink = await startSink(t);
  const there = await freePort();
  const slow = `import { Duplex, Transform } from 'node:stream';
export default { name: 'slow', relay: () => ({ wrap(client) {
  const down = new Transform({ transform: (chunk, _, done) => void setTimeout(done, 300, null, chunk) });
  down.pipe(client);
  return Duplex.from({ readable: client, writable: down });
} }) };
`;
  const forwards = [`remote:${there}:127.0.0.1:${sink.port}`];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards, plugins: [plugin(t, slow)] } });
  await relays.reach('r', 'connected');
  const bytes = randomBytes(100_000);
  t.equal(String(await exchange(there, bytes)), createHash('sha256').update(bytes).digest('hex'));
  t.equal(relays.status('r').counters.refused, 0);
});

test('whichever way a plugin reads a client, on a local, a dynamic or a remote forward, every byte comes', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const plugins = Object.entries(ways).map(([name, way]) => [name, [plugin(t, own(way))]] as const);
  const all = new Map<string, readonly unknown[]>([...plugins, ['none', [plugin(t, counts), plugin(t, waits)]]]);
  const bytes = randomBytes(3_000_000);
  const sum = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const whole = sum(bytes);
  for (const [name, use] of all) {
    const there = await freePort();
    const forwards = [`0:127.0.0.1:${echo.port}`, 'dynamic:0', `remote:${there}:127.0.0.1:${echo.port}`];
    const relays = await supervise(t, sshd, { r: { host: 'test', forwards, plugins: use } });
    await relays.reach('r', 'connected');
    t.equal(sum(await exchange(relays.port('r'), bytes)), whole, `${name}, local`);
    t.equal(sum(await exchangeBySocks(relays.port('r', 1), echo.port, bytes)), whole, `${name}, dynamic`);
    t.equal(sum(await exchange(there, bytes)), whole, `${name}, remote`);
    t.equal(relays.status('r').counters.refused, 0, name);
    await relays.supervisor.close('the next way');
  }
});
