import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../src/core/config/load.ts';
import { createSupervisor } from '../../../src/core/supervisor/supervisor.ts';
import { startEcho, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSshAgent } from '../../fixtures/ssh-agent.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { makeKeyPair } from '../../fixtures/sshd-keys.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** A plugin file with this text. */
function plugin(t: Owner, text: string): string {
  const file = join(makeTemp(t, 'plugin'), 'plugin.mjs');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const relay = (t: Owner, text: string) => plugin(t, `export default { name: 'p', relay: () => (${text}) };\n`);
const secret = (text: string) => `{ reveal: () => ${JSON.stringify(text)} }`;

test('a config that a plugin refuses is not begun with, and the reason is said', async (t) => {
  const sshd = await startSshd(t);
  const daemon = (text: string) => plugin(t, `export default { name: 'p', daemon: () => ({ ${text} }) };\n`);
  const rows: Readonly<Record<string, readonly [unknown, RegExp | null]>> = {
    accepts: [daemon("check: (config) => config.relays[0].name === 'r' || 'which config?'"), null],
    refuses: [
      daemon("check: async (config) => config.relays[0].lanes > 1 || 'one lane is not enough'"),
      /^plugin p refuses the config: one lane is not enough; correct/,
    ],
    shrugs: [daemon('check() {}'), /refuses the config: it did not answer true/],
    throws: [
      daemon("check() { throw new Error('no table'); }"),
      /^the config is refused: plugin p failed in check: no table/,
    ],
    mute: [
      { use: daemon('check: () => new Promise(() => 0)'), deadlines: { check: '100ms' } },
      /no answer to check within 0\.1 s/,
    ],
    loops: [
      { use: daemon('check() { for (;;); }'), deadlines: { check: '100ms' } },
      /no answer to check within 0\.1 s/,
    ],
    exits: [
      daemon('check() { process.exit(0); }'),
      /the config is refused: the daemon side of plugin \S+ exited with 0 \("Error: process\.exit\(0\) was called at \S+plugin\.mjs:1"\)/,
    ],
    broken: [plugin(t, 'export default {{\n'), null],
  };
  for (const [name, [use, message]] of Object.entries(rows)) {
    const stateDir = makeTemp(t, 'state');
    const file = join(stateDir, 'towline.json');
    const r = { host: 'test', forwards: ['0:127.0.0.1:9'], start: false, plugins: [use] };
    writeFileSync(file, JSON.stringify({ sshConfig: sshd.sshConfigFile, relays: { r } }), { mode: 0o600 });
    const supervisor = createSupervisor({
      config: loadConfig(file),
      version: 'test',
      stateDir,
      builtins: {},
      givenToken: async () => null,
    });
    const began = supervisor.start();
    if (message === null) await began;
    else await t.rejects(began, { code: 'CONFIG_INVALID', message }, name);
    t.equal(supervisor.status().relays.length, message === null ? 1 : 0, name);
    await supervisor.close('the test ends');
  }
});

test('a login by what identify gives: a key, an encrypted key, an agent, each for the right host of the route', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const dir = makeTemp(t, 'keys');
  // The only keys that the server takes now are those that ssh_config does not name.
  const plain = makeKeyPair(join(dir, 'plain'));
  const locked = makeKeyPair(join(dir, 'locked'), 'rsa', 'hunter2');
  const held = makeKeyPair(join(dir, 'held'), 'ecdsa');
  const agent = await startSshAgent(t);
  agent.add(held.file);
  sshd.revokeKeys();
  for (const { publicKey } of [plain, locked, held]) sshd.allowKey(publicKey);
  const text = (file: string) => secret(readFileSync(file, 'utf8'));
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, {
    none: { host: 'test', forwards },
    first: {
      host: 'test',
      forwards,
      plugins: [
        relay(t, '{ identify: () => undefined }'),
        relay(
          t,
          `{ identify: ({ alias, hop, last }) => alias === 'test' && hop === 0 && last ? { kind: 'key', key: ${text(plain.file)} } : undefined }`,
        ),
        relay(t, "{ identify() { throw new Error('asked though another one knew'); } }"),
      ],
    },
    locked: {
      host: 'test',
      forwards,
      plugins: [
        relay(t, `{ identify: () => ({ kind: 'key', key: ${text(locked.file)}, passphrase: ${secret('hunter2')} }) }`),
      ],
    },
    agent: {
      host: 'test',
      forwards,
      plugins: [relay(t, `{ identify: async () => ({ kind: 'agent', socket: '${agent.socket}' }) }`)],
    },
  });
  for (const name of ['first', 'locked', 'agent']) {
    await relays.reach(name, 'connected');
    t.equal((await exchange(relays.port(name), 'x')).toString(), 'x', name);
  }
  t.match((await relays.reach('none', 'blocked')).standing.fault, { code: 'AUTH_REJECTED' });
  t.notMatch(JSON.stringify([relays.events, relays.supervisor.status()]), /hunter2|PRIVATE KEY/);
});

test('an identify that throws, hangs, or gives what is no credential blocks its relay by name', async (t) => {
  const sshd = await startSshd(t);
  const forwards = ['0:127.0.0.1:9'];
  const rows: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    throws: [
      relay(t, "{ identify() { throw new Error('vault is sealed'); } }"),
      /plugin p failed in identify: vault is sealed/,
    ],
    mute: [
      { use: relay(t, '{ identify: () => new Promise(() => 0) }'), deadlines: { identify: '200ms' } },
      /no answer to identify within 0\.2 s/,
    ],
    odd: [relay(t, "{ identify: () => ({ kind: 'pin' }) }"), /answered identify with a credential of the kind "pin"/],
    text: [relay(t, "{ identify: () => ({ kind: 'key', key: 'hunter2' }) }"), /a key that is no Secret/],
    damaged: [
      relay(t, `{ identify: () => ({ kind: 'key', key: ${secret('hunter2')} }) }`),
      /to log in to test cannot be used: the key holds no key/,
    ],
    gone: [
      relay(t, "{ identify: () => ({ kind: 'agent', socket: '/nowhere' }) }"),
      /cannot be used: the ssh-agent at "\/nowhere" does not exist/,
    ],
  };
  const relays = await supervise(
    t,
    sshd,
    Object.fromEntries(Object.entries(rows).map(([name, [use]]) => [name, { host: 'test', forwards, plugins: [use] }])),
  );
  for (const [name, [, message]] of Object.entries(rows)) {
    t.match((await relays.reach(name, 'blocked')).standing.fault, { code: 'IDENTITY_UNREADABLE', message }, name);
  }
  t.notMatch(JSON.stringify([relays.events, relays.supervisor.status()]), /hunter2/);
});

test('a probe of a plugin is asked with each health check, and says what is wrong', async (t) => {
  const sshd = await startSshd(t);
  let said = 'right';
  const backend = await startTcp(t, 0, (socket) => void socket.on('error', () => undefined).end(said));
  const code = `{ async probe(dial, token) {
    const stream = await dial();
    let text = '';
    for await (const chunk of stream) text += chunk;
    return (text === 'right' && token === null) || 'it says ' + text;
  } }`;
  const health = { kind: 'tcp', every: '1s', timeout: '1s', rise: 1, fall: 1 };
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [{ listen: 0, target: backend.port, health }], plugins: [relay(t, code)] },
    mute: {
      host: 'test',
      forwards: [{ listen: 0, target: backend.port, health }],
      plugins: [{ use: relay(t, '{ probe: () => new Promise(() => 0) }'), deadlines: { probe: '100ms' } }],
    },
  });
  t.match((await relays.reach('r', 'connected')).standing, { verified: true });
  said = 'wrong\u001b[31m';
  t.match((await relays.reach('r', 'degraded')).standing.fault, {
    code: 'PROBE_FAILED',
    message: 'plugin p says no: it says wrong\\x1b[31m; look at the backend',
  });
  said = 'right';
  await relays.reach('r', 'connected');
  const late = (event: { type: string }) => event.type === 'plugin.failed';
  t.match(await relays.next('its deadline', late), { fault: { message: /no answer to probe within 0\.1 s/ } });
  t.match((await relays.reach('mute', 'blocked')).standing.fault, { code: 'PLUGIN_FAILED' });
});

test('wrap is a waterfall over the client stream, in the order of the file', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const mark = (letter: string) => `{ wrap(client) {
    const up = new Transform({ transform(chunk, _, done) { done(null, chunk + '${letter}'); } });
    client.pipe(up);
    const down = new PassThrough();
    down.pipe(client);
    return Duplex.from({ readable: up, writable: down });
  } }`;
  const file = (letter: string) =>
    plugin(
      t,
      `import { Duplex, PassThrough, Transform } from 'node:stream';\nexport default { name: '${letter}', relay: () => (${mark(letter)}) };\n`,
    );
  const same = relay(t, '{ wrap: (client) => client }');
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, sshd, {
    marks: { host: 'test', forwards, plugins: [file('a'), same, file('b')] },
    same: { host: 'test', forwards, plugins: [same] },
  });
  await relays.reach('marks', 'connected');
  t.equal((await exchange(relays.port('marks'), 'x')).toString(), 'xab');
  await relays.reach('same', 'connected');
  const bytes = randomBytes(4 << 20);
  const sum = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  t.equal(sum(await exchange(relays.port('same'), bytes)), sum(bytes));
  await waitUntil('it is counted', () => relays.status('same').counters.sent >= bytes.length);
});

test('a wrap that throws, hangs, gives no stream, or one that breaks, cuts that connection: no half looks whole', async (t) => {
  const sshd = await startSshd(t);
  const half = 64 * 1024;
  const source = await startTcp(t, 0, (socket) => void socket.on('error', () => undefined).write(randomBytes(half)));
  const forwards = [`0:127.0.0.1:${source.port}`];
  const file = (text: string) =>
    plugin(
      t,
      `import { Duplex, PassThrough, Transform } from 'node:stream';\nexport default { name: 'p', relay: () => ({ wrap(client) { ${text} } }) };\n`,
    );
  const rows: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    throws: [file("throw new Error('no room');"), /plugin p failed in wrap: no room/],
    mute: [
      { use: file('return new Promise(() => 0);'), deadlines: { wrap: '200ms' } },
      /no answer to wrap within 0\.2 s/,
    ],
    none: [file('return {};'), /answered wrap with object, not a stream/],
    breaks: [
      file(`const up = new Transform({ transform(chunk, _, done) { done(new Error('worn out')); } });
        const down = new PassThrough();
        down.pipe(client);
        return Duplex.from({ readable: client.pipe(up), writable: down });`),
      /stream that a plugin's wrap returned broke: worn out/,
    ],
    closes: [
      file(`const up = new Transform({ transform(chunk, _, done) { done(); both.destroy(); } });
        const down = new PassThrough();
        down.pipe(client);
        const both = Duplex.from({ readable: client.pipe(up), writable: down });
        return both;`),
      /stream that a plugin's wrap returned broke: /,
    ],
  };
  const relays = await supervise(
    t,
    sshd,
    Object.fromEntries(Object.entries(rows).map(([name, [use]]) => [name, { host: 'test', forwards, plugins: [use] }])),
  );
  for (const [name, [, message]] of Object.entries(rows)) {
    await relays.reach(name, 'connected');
    const refused = relays.next(
      `${name} is told`,
      (event) => event.type === 'connection.refused' && event.relay === name,
    );
    const client = await dial(relays.port(name));
    const ended = fate(client);
    // All that is on the way has come before it is cut: where both come at once, Node takes the reset for an end.
    client.on('data', () => client.bytesRead === half && client.write('x'));
    t.equal(await ended, 'ECONNRESET', name);
    t.match(await refused, { fault: { code: 'PLUGIN_FAILED', message } }, name);
    t.match(relays.status(name).standing, { word: 'connected' }, `${name}: the link stays`);
  }
});

test('a link that is lost resets the clients whose streams are wrapped', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const code = `import { Duplex, PassThrough } from 'node:stream';
export default { name: 'p', relay: () => ({ wrap(client) {
  const down = new PassThrough();
  down.pipe(client);
  return Duplex.from({ readable: client.pipe(new PassThrough()), writable: down });
} }) };\n`;
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins: [plugin(t, code)] },
  });
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  client.write('x');
  await once(client, 'data');
  const ended = fate(client);
  await sshd.stop();
  t.equal(await ended, 'ECONNRESET');
});

test('towline check, and so the daemon, finds what each relay lacks of its plugins', async (t) => {
  const dir = makeTemp(t, 'heard');
  const tidy = join(dir, 'tidy');
  const file = plugin(
    t,
    `import { writeFileSync } from 'node:fs';
export default { name: 'p', daemon: ({ signal, relay }) => {
  signal.addEventListener('abort', () => writeFileSync(${JSON.stringify(tidy)}, relay));
  return { check: () => true };
} };\n`,
  );
  const sshd = await startSshd(t);
  const port = await freePort();
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${port}`], start: false, plugins: [file] },
  });
  t.equal(relays.status('r').standing.word, 'offline');
  await waitUntil('it has cleaned up', () => readFileSync(tidy, { encoding: 'utf8', flag: 'a+' }) === 'r');
});

test("a token from a variable of the daemon's environment reaches the relay, and not the plugin beside it", async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  process.env['TEST_PAIRING_TOKEN'] = 'tk-5f0a3c9e1b7d4826';
  t.teardown(() => {
    delete process.env['TEST_PAIRING_TOKEN'];
  });
  const beside = `export default { name: 'p', relay: ({ env }) => ({
    admit: () => !JSON.stringify([env, process.env]).includes('PAIRING') || 'it sees it',
  }) };\n`;
  const plugins = [plugin(t, beside), { use: 'token', from: 'local-env', name: 'TEST_PAIRING_TOKEN' }];
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], plugins } });
  await relays.reach('r', 'connected');
  t.equal(relays.supervisor.token('r').token?.reveal(), 'tk-5f0a3c9e1b7d4826');
  t.equal((await exchange(relays.port('r'), 'x')).toString(), 'x');
});
