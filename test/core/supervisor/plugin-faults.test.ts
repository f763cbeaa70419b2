import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { type Supervised, supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

/** A plugin file with this text. */
function plugin(t: Owner, text: string): string {
  const file = join(makeTemp(t, 'plugin'), 'plugin.mjs');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** A plugin whose relay side has these hooks. */
const hooks = (t: Owner, text: string) => plugin(t, `export default {\n name: 'p', relay: () => (${text}) };\n`);

/** Relays that each lead to an echo: one without a plugin, and one for each of these. */
async function relaysWith(
  t: Owner,
  plugins: Readonly<Record<string, unknown>>,
  over: object = {},
): Promise<Supervised> {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const forwards = [`0:127.0.0.1:${echo.port}`];
  const guests = Object.entries(plugins).map(([name, use]) => [
    name,
    { host: 'test', forwards, plugins: [use], ...over },
  ]);
  return supervise(t, sshd, { good: { host: 'test', forwards }, ...Object.fromEntries(guests) });
}

const works = async (relays: Supervised, relay: string) => (await exchange(relays.port(relay), 'x')).toString();
const failed = (relay: string, message: RegExp) => (event: Event) =>
  event.type === 'plugin.failed' && event.relay === relay && message.test(event.fault.message);
const ended = (relay: string, message: RegExp) => (event: Event) =>
  event.type === 'worker.ended' && event.relay === relay && message.test(event.fault.message);

test('a plugin that cannot be loaded blocks its own relay, by file and line, and the daemon is up', async (t) => {
  const rows: Readonly<Record<string, readonly [string, RegExp]>> = {
    syntax: ['const a = 1;\nexport default {{\n', /cannot be loaded from \S+plugin\.mjs:2: Unexpected token/],
    throws: ["\n\nthrow new Error('no licence');\n", /cannot be loaded from \S+plugin\.mjs:3: no licence; mend it$/],
    version: [
      "export default { api: 2, name: 'p', relay: () => ({}) };",
      /version 2 of the plugin interface.*update towline/,
    ],
    typo: [
      "export default { name: 'p', relay: () => ({ admti: () => true }) };",
      /a hook "admti".*did you mean admit\?/,
    ],
    factory: ["export default { name: 'p', relay() { null.x; } };", /plugin p failed in relay: Cannot read prop/],
  };
  const relays = await relaysWith(
    t,
    Object.fromEntries(Object.entries(rows).map(([name, [text]]) => [name, plugin(t, text)])),
  );
  for (const [name, [, message]] of Object.entries(rows)) {
    const { fault } = (await relays.reach(name, 'blocked')).standing;
    t.match(fault, { code: 'PLUGIN_FAILED', message }, name);
  }
  await relays.reach('good', 'connected');
  t.equal(await works(relays, 'good'), 'x');
});

test('a gate that throws refuses, and after three times its relay is blocked; an observer is left out', async (t) => {
  const relays = await relaysWith(t, {
    gate: hooks(t, "{ admit() { throw new Error('no such table'); } }"),
    observer: hooks(t, "{ observe() { throw new Error('disk full'); } }"),
    async: hooks(t, "{ async admit() { await null; throw new Error('no such table'); }, observe() {} }"),
  });
  for (const name of ['gate', 'async']) {
    await relays.reach(name, 'connected');
    for (let n = 0; n < 3; n += 1) t.equal(await fate(await dial(relays.port(name))), 'ECONNRESET');
    t.match((await relays.reach(name, 'blocked')).standing.fault, {
      code: 'PLUGIN_FAILED',
      message: 'plugin p failed in admit: no such table; mend it, then restart the relay',
    });
  }
  await relays.next('it is left out', failed('observer', /disk full.*after 3 failures it is left out$/));
  await relays.reach('observer', 'connected');
  t.equal(await works(relays, 'observer'), 'x');
  const strikes = relays.events.filter(failed('observer', /disk full/));
  t.equal(strikes.length, 3);
  // The user wants another try: the plugins begin anew.
  await relays.supervisor.startRelay('gate');
  await relays.reach('gate', 'connected');
});

test('a hook that never answers has its deadline, one that loops for ever costs its worker; others go on', async (t) => {
  const mute = hooks(t, '{ admit: () => new Promise(() => undefined) }');
  const relays = await relaysWith(t, {
    mute: { use: mute, deadlines: { admit: '200ms' } },
    loops: hooks(t, '{ admit() { for (;;); } }'),
  });
  for (const name of ['good', 'mute', 'loops']) await relays.reach(name, 'connected');
  const late = relays.next('its deadline', failed('mute', /gave no answer to admit within 0\.2 s/));
  t.equal(await fate(await dial(relays.port('mute'))), 'ECONNRESET');
  await late;
  const hung = relays.next('the replacement', ended('loops', /gave no sign of life for 5 s/));
  const client = await dial(relays.port('loops'));
  t.teardown(() => client.destroy());
  t.equal(await works(relays, 'good'), 'x', 'while it loops');
  t.match(await hung, { fault: { code: 'WORKER_HUNG', message: /look at the relay's plugins/ } });
  t.equal(await works(relays, 'good'), 'x');
});

test('a plugin that ends its worker is named with its line, whichever way it does', async (t) => {
  const relays = await relaysWith(t, {
    exits: hooks(t, '{\n admit() { process.exit(3); } }'),
    rejects: hooks(t, "{\n admit() { Promise.reject(new Error('forgotten')); return true; } }"),
    throws: hooks(t, "{\n admit() { setTimeout(() => { throw new Error('later'); }); return true; } }"),
  });
  const rows = {
    exits: /exited with 3 \("Error: process\.exit\(3\) was called at \S+plugin\.mjs:3"\)/,
    rejects: /exited with 1 \("Error: forgotten \(unhandledRejection at \S+plugin\.mjs:3\)"\)/,
    throws: /exited with 1 \("Error: later \(uncaughtException at \S+plugin\.mjs:3\)"\)/,
  };
  for (const [name, message] of Object.entries(rows)) {
    await relays.reach(name, 'connected');
    const end = relays.next(`the end of ${name}`, ended(name, message));
    const client = await dial(relays.port(name));
    t.teardown(() => client.destroy());
    t.match(await end, { fault: { code: 'WORKER_FAILED' } });
  }
  await relays.reach('good', 'connected');
  t.equal(await works(relays, 'good'), 'x');
});

test('prototypes that a plugin patches, what it leaks, and what it says to the supervisor stay with its own worker', async (t) => {
  const patches = `export default { name: 'p', relay: () => ({}), daemon: () => ({}) };
    const leave = () => { throw new Error('patched'); };
    for (const name of ['map', 'push', 'flatMap']) Array.prototype[name] = leave;
    JSON.parse = JSON.stringify = leave;\n`;
  const leaks = `import { createServer } from 'node:net';
    export default { name: 'p', relay() {
      const kept = [];
      setInterval(() => undefined, 10);
      createServer().listen(0, '127.0.0.1');
      return { admit() { setInterval(() => kept.push(Buffer.alloc(32 << 20, 1)), 20); return true; } };
    } };\n`;
  const talks = hooks(
    t,
    '{ admit: () => typeof process.send === "undefined" && typeof process.disconnect === "undefined" || "it has the channel" }',
  );
  const relays = await relaysWith(
    t,
    { patches: plugin(t, patches), leaks: plugin(t, leaks), talks },
    { memory: '128MiB' },
  );
  await relays.reach('talks', 'connected');
  t.equal(await works(relays, 'talks'), 'x');
  await relays.reach('leaks', 'connected');
  const bloated = relays.next('the replacement', (event) => event.type === 'worker.ended' && event.relay === 'leaks');
  t.equal(await works(relays, 'leaks'), 'x');
  t.match(await bloated, { fault: { code: 'WORKER_BLOATED' } });
  await relays.reach('good', 'connected');
  t.equal(await works(relays, 'good'), 'x');
  t.same(JSON.parse('[1]').map(Number), [1], 'the daemon has its own prototypes');
  await within('its end', relays.supervisor.stopRelay('leaks'), 10_000);
});

test('the daemon side of a plugin that exits, loops or fails harms nobody, and is left out', async (t) => {
  const daemon = (text: string) => plugin(t, `export default {\n name: 'p', daemon: () => (${text}) };\n`);
  const relays = await relaysWith(t, {
    exits: daemon('{ observe() { process.exit(3); } }'),
    loops: { use: daemon('{ observe() { for (;;); } }'), deadlines: { observe: '200ms' } },
    later: daemon("{ observe() { setTimeout(() => { throw new Error('later'); }); } }"),
    throws: daemon("{ observe() { throw new Error('broken'); } }"),
    typo: daemon('{ obzerve() {} }'),
  });
  const rows: Readonly<Record<string, RegExp>> = {
    exits: /ended its thread \(process\.exit 3\).*after 3 ends it is left out/,
    loops: /took no event for 0\.2 s.*after 3 ends it is left out/,
    later: /failed at \S+plugin\.mjs:2: later.*after 3 ends it is left out/,
    throws: /plugin p failed in observe: broken.*after 3 failures it is left out/,
    typo: /a hook "obzerve" from daemon.*did you mean observe\?/,
  };
  for (const [name, message] of Object.entries(rows)) {
    await relays.reach(name, 'connected');
    const out = relays.next(`${name} is left out`, failed(name, message));
    // Something to observe: each end of a worker is half a dozen events.
    for (let n = 0; n < 2 && name !== 'typo'; n += 1) {
      const before = relays.supervisor.status().id;
      process.kill(relays.worker(name), 'SIGKILL');
      const again = (event: Event) => event.type === 'link.opened' && event.relay === name;
      await relays.next('the next link', again, before);
    }
    await out;
    await relays.reach(name, 'connected');
    t.equal(await works(relays, name), 'x', name);
  }
  t.equal(await works(relays, 'good'), 'x');
});

test('what a plugin is given is its context and the arguments of its hooks: no key, no secret, no channel', async (t) => {
  const looks = `export default { name: 'p', relay(context) {
    console.log('context ' + Object.keys(context).sort());
    console.log('environment ' + Object.keys(process.env).filter((name) => /TOKEN|SECRET|NODE_/.test(name)));
    console.log('channel ' + typeof process.send + ' ' + typeof process.disconnect);
    return { admit(client) { console.log('client ' + Object.keys(client).sort()); return true; } };
  } };\n`;
  process.env['CANARY_TOKEN'] = 'hunter2';
  t.teardown(() => {
    delete process.env['CANARY_TOKEN'];
  });
  const relays = await relaysWith(t, { looks: plugin(t, looks) });
  const said = (text: string) => relays.next(text, (event) => event.type === 'worker.said' && event.text === text);
  const all = [
    'context env,options,relay,signal,uidOf',
    'environment ',
    'channel undefined undefined',
    'client forward,from,relay,to',
  ];
  const heard = Promise.all(all.map(said));
  await relays.reach('looks', 'connected');
  t.equal(await works(relays, 'looks'), 'x');
  await heard;
});

test('what is no message ends the worker that says it, and not the daemon', async (t) => {
  // The channel itself is the only way that is left: descriptor 3 of a forked process.
  const talks = plugin(
    t,
    `import { writeSync } from 'node:fs';
export default { name: 'p', relay: () => ({ admit() { writeSync(3, process.env.HOME ? 'null\\n{"say":7}\\n' : ''); return true; } }) };\n`,
  );
  const relays = await relaysWith(t, { talks });
  await relays.reach('talks', 'connected');
  await relays.reach('good', 'connected');
  const end = relays.next('its end', ended('talks', /said what no worker says/));
  const client = await dial(relays.port('talks'));
  t.teardown(() => client.destroy());
  t.match(await end, { fault: { code: 'WORKER_FAILED', message: /look at the relay's plugins/ } });
  t.equal(await works(relays, 'good'), 'x');
});
