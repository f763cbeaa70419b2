import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { startSink, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange, fate, readAll } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

// Plugins see the client of a remote forward as a stream, and may give another one in its place.

/** A stream of its own in place of the client's; `give up` in what comes makes it break off without a word. */
const code = `import { Duplex } from 'node:stream';
export default { name: 'own', relay: () => ({ wrap(client) {
  const own = new Duplex({
    read() {},
    write(chunk, _, done) { client.write(chunk, done); },
    final(done) { client.end(done); },
  });
  client.on('data', (chunk) => void (String(chunk) === 'give up' ? own.destroy() : own.push(chunk)));
  client.on('end', () => own.push(null));
  return own;
} }) };
`;

async function begin(t: Owner, target: number, config: readonly string[] = []) {
  const sshd = await startSshd(t, { config });
  const port = await freePort();
  const plugin = join(makeTemp(t, 'plugin'), 'own.mjs');
  writeFileSync(plugin, code, { mode: 0o600 });
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`remote:${port}:127.0.0.1:${target}`], plugins: [{ use: plugin }] },
  });
  await relays.reach('r', 'connected');
  /** So many have come, and all of them are gone. */
  const gone = (count: number) =>
    waitUntil(
      `${count} have come and gone`,
      () => {
        const { accepted, open } = relays.status('r').counters;
        return accepted === count && open === 0;
      },
      { timeout: 8_000 },
    );
  return { sshd, port, relays, gone };
}

/** A target that says nothing by itself, and ends nothing by itself. */
async function quiet(t: Test) {
  const target = await startTcp(t, 0, () => undefined);
  /** A client and its connection with the target, which have heard each other. */
  const join = async (port: number): Promise<{ client: Socket; there: Socket }> => {
    const came = target.nextConnection();
    const client = await dial(port);
    t.teardown(() => client.destroy());
    const there = await within('the connection', came);
    const [up, down] = [once(there, 'data'), once(client, 'data')];
    client.write('hello');
    t.equal(String((await within('what the client says', up))[0]), 'hello');
    there.write('welcome');
    t.equal(String((await within('what the target says', down))[0]), 'welcome');
    return { client, there };
  };
  return { port: target.port, join };
}

test('a wrapped client of the other side is carried byte-exact and half-closed', async (t) => {
  const { port: target } = await startSink(t);
  const { port, relays, gone } = await begin(t, target);
  const bytes = randomBytes(2_000_000);
  t.equal(String(await exchange(port, bytes)), createHash('sha256').update(bytes).digest('hex'));
  await gone(1);
  t.match(relays.status('r').counters, { sent: bytes.length, received: 64, refused: 0 });
});

test('whichever side of a wrapped client ends first, the other one hears it, and both are closed', async (t) => {
  const { port: target, join } = await quiet(t);
  const { port, gone } = await begin(t, target);

  const first = await join(port);
  const atTarget = readAll(first.there);
  first.client.end('the client is done');
  t.equal(String(await within('its end at the target', atTarget)), 'the client is done');
  const atClient = readAll(first.client);
  const closed = once(first.there, 'close');
  first.there.end('so is the target');
  t.equal(String(await within('the end at the client', atClient)), 'so is the target');
  await within('the target is closed', closed);
  await gone(1);

  const second = await join(port);
  const told = readAll(second.client);
  second.there.end('the target is done');
  t.equal(String(await within('its end at the client', told)), 'the target is done');
  const rest = readAll(second.there);
  second.client.end('so is the client');
  t.equal(String(await within('the end at the target', rest)), 'so is the client');
  await gone(2);
});

test('a wrapped client that is gone takes its target along, and a target that is gone its client', async (t) => {
  const { port: target, join } = await quiet(t);
  const { port, gone } = await begin(t, target);

  const first = await join(port);
  const left = fate(first.there);
  first.client.resetAndDestroy();
  t.equal(await within('it is heard at the target', left), 'end', 'SSH has no word for a reset');
  // sshd notices that nobody is there when it is to hand something on.
  first.there.write('is anybody there?');
  await gone(1);

  const second = await join(port);
  const lost = fate(second.client);
  second.there.resetAndDestroy();
  await within('it is heard at the client', lost);
  await gone(2);
});

test('a wrap that gives its stream up without a word cuts the target, and ends the client', async (t) => {
  const { port: target, join } = await quiet(t);
  const { port, gone } = await begin(t, target);
  const { client, there } = await join(port);
  const [atTarget, atClient] = [fate(there), fate(client)];
  client.write('give up');
  t.equal(await within('the cut', atTarget), 'ECONNRESET');
  await within('the end of the client', atClient);
  await gone(1);
});

test('a channel that the server closes takes the target along, though that says nothing and ends nothing', async (t) => {
  const { port: target, join } = await quiet(t);
  const { port, gone } = await begin(t, target, ['ChannelTimeout forwarded-tcpip=3s']);
  const { there } = await join(port);
  t.equal(await within('its end', fate(there)), 'end');
  await gone(1);
});

test('a lost link cuts the target of a wrapped client', async (t) => {
  const { port: target, join } = await quiet(t);
  const { port, sshd, gone } = await begin(t, target);
  const { there } = await join(port);
  const cut = fate(there);
  sshd.killSessions();
  t.equal(await within('the cut', cut), 'ECONNRESET');
  await gone(1);
});
