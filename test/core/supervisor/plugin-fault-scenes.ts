import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { dial, fateOf } from '../../fixtures/client.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';
import { ended, failed, heardAll, type Place, plugin, relaysWith, works } from './plugin-relays.ts';

// What a plugin may do wrong, whatever the host of its relay is: an sshd of this machine, or one in a container. All the while somebody talks
// over another relay.

/** A plugin whose relay side has these hooks. */
const hooks = (t: Owner, text: string) => plugin(t, `export default {\n name: 'p', relay: () => (${text}) };\n`);

/** F91 */
export async function cannotBeLoaded(t: Test, place: Place): Promise<void> {
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
  const { relays, good } = await relaysWith(
    t,
    place,
    Object.fromEntries(Object.entries(rows).map(([name, [text]]) => [name, plugin(t, text)])),
  );
  for (const [name, [, message]] of Object.entries(rows)) {
    const { fault } = (await relays.reach(name, 'blocked')).standing;
    t.match(fault, { code: 'PLUGIN_FAILED', message }, name);
  }
  await heardAll(t, good);
}

/** F92 */
export async function throwsInHooks(t: Test, place: Place): Promise<void> {
  const { relays, good } = await relaysWith(t, place, {
    gate: hooks(t, "{ admit() { throw new Error('no such table'); } }"),
    observer: hooks(t, "{ observe() { throw new Error('disk full'); } }"),
    async: hooks(t, "{ async admit() { await null; throw new Error('no such table'); }, observe() {} }"),
  });
  for (const name of ['gate', 'async']) {
    await relays.reach(name, 'connected');
    for (let n = 0; n < 3; n += 1) t.equal(await fateOf(relays.port(name)), 'ECONNRESET');
    t.match((await relays.reach(name, 'blocked')).standing.fault, {
      code: 'PLUGIN_FAILED',
      message: 'plugin p failed in admit: no such table; mend it, then restart the relay',
    });
  }
  await relays.next('it is left out', failed('observer', /disk full.*after 3 failures it is left out$/));
  await relays.reach('observer', 'connected');
  t.equal(await works(relays, 'observer'), 'x');
  t.match(relays.status('observer').warnings, [/disk full.*after 3 failures it is left out$/], 'it is out, not over');
  const strikes = relays.events.filter(failed('observer', /disk full/));
  t.equal(strikes.length, 3);
  // The user wants another try: the plugins begin anew.
  await relays.supervisor.startRelay('gate');
  await relays.reach('gate', 'connected');
  await heardAll(t, good);
}

/** F92: who says how to log in, what to reach or what to show fails closed. */
export async function throwsInProviders(t: Test, place: Place): Promise<void> {
  const thrower = (hook: string) => hooks(t, `{ ${hook}() { throw new Error('no such table'); } }`);
  const { relays, good } = await relaysWith(t, place, {
    identify: thrower('identify'),
    backend: thrower('backend'),
    token: thrower('token'),
    rejects: hooks(t, "{ async identify() { await null; throw new Error('no such table'); } }"),
  });
  const rows: Readonly<Record<string, readonly [string, string]>> = {
    identify: ['identify', 'IDENTITY_UNREADABLE'],
    rejects: ['identify', 'IDENTITY_UNREADABLE'],
    backend: ['backend', 'PLUGIN_FAILED'],
    token: ['token', 'PLUGIN_FAILED'],
  };
  for (const [name, [hook, code]] of Object.entries(rows)) {
    const { fault } = (await relays.reach(name, 'blocked', 40_000)).standing;
    t.match(
      fault,
      { code, message: `plugin p failed in ${hook}: no such table; mend it, then restart the relay` },
      name,
    );
    t.equal(await fateOf(relays.port(name)), 'ECONNRESET', name);
  }
  await heardAll(t, good);
}

/** F93 */
export async function neverAnswers(t: Test, place: Place): Promise<void> {
  const mute = hooks(t, '{ admit: () => new Promise(() => undefined) }');
  const mark = JSON.stringify(join(makeTemp(t, 'mark'), 'mark'));
  const loops = `import { existsSync, writeFileSync } from 'node:fs';
  export default { name: 'p', relay: () => ({ admit() {
    if (existsSync(${mark})) return true;
    writeFileSync(${mark}, '');
    for (;;);
  } }) };\n`;
  const { relays, good } = await relaysWith(t, place, {
    mute: { use: mute, deadlines: { admit: '200ms' } },
    loops: plugin(t, loops),
  });
  for (const name of ['good', 'mute', 'loops']) await relays.reach(name, 'connected');
  const late = relays.next('its deadline', failed('mute', /gave no answer to admit within 0\.2 s/));
  t.equal(await fateOf(relays.port('mute')), 'ECONNRESET');
  await late;
  const hung = relays.next('the replacement', ended('loops', /gave no sign of life for 5 s/));
  const client = await dial(relays.port('loops'));
  t.teardown(() => client.destroy());
  t.equal(await works(relays, 'good'), 'x', 'while it loops');
  t.match(await hung, { fault: { code: 'WORKER_HUNG', message: /look at the relay's plugins/ } });
  const began = performance.now();
  await relays.reach('loops', 'connected');
  // It was not served yet: the next worker got it.
  client.end('held');
  t.equal(await text(client), 'held');
  t.comment(
    `measured until the client that met the loop was served: ${Math.round(performance.now() - began)} ms after its end`,
  );
  t.equal(await works(relays, 'loops'), 'x');
  await heardAll(t, good);
}

/** F94 */
export async function endsItsWorker(t: Test, place: Place): Promise<void> {
  const { relays, good } = await relaysWith(t, place, {
    exits: hooks(t, '{\n admit() { process.exit(3); } }'),
    leaves: hooks(t, '{\n admit() { process.disconnect(); } }'),
    closes: plugin(
      t,
      "import { closeSync } from 'node:fs';\nexport default { name: 'p', relay: () => ({ admit() { closeSync(3); return true; } }) };\n",
    ),
    rejects: hooks(t, "{\n admit() { Promise.reject(new Error('forgotten')); return true; } }"),
    throws: hooks(
      t,
      "{\n admit() { console.error(new Error('harmless')); setTimeout(() => { throw new Error('later'); }); return true; } }",
    ),
  });
  const rows = {
    exits: /exited with 3 \("Error: process\.exit\(3\) was called at \S+plugin\.mjs:3"\)/,
    closes: /closed its channel and is replaced/,
    leaves: /exited with 1 \("Error: process\.disconnect\(\) was called at \S+plugin\.mjs:3"\)/,
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
  await heardAll(t, good);
}

/** F94: nobody else waits for it, and it says what its plugin does. */
export async function endsEveryWorker(t: Test, place: Place): Promise<void> {
  const { relays, good } = await relaysWith(t, place, {
    exits: hooks(t, '{ observe() { process.exit(3); } }'),
  });
  const { standing } = await relays.reach('exits', 'blocked', 40_000);
  t.match(standing.fault, {
    code: 'WORKER_CRASHING',
    message: /6 times in 60 s, last: .*process\.exit\(3\) was called at \S+plugin\.mjs:2/,
  });
  t.ok((standing.until ?? 0) > Date.now() + 30_000, 'it says when it is tried again');
  t.equal(await fateOf(relays.port('exits')), 'ECONNRESET', 'nobody waits for it');
  await heardAll(t, good);
}

/** F94 */
export async function patchesAndLeaks(t: Test, place: Place): Promise<void> {
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
  const talks = hooks(t, '{ admit: () => typeof process.send === "undefined" || "it has the channel" }');
  const { relays, good } = await relaysWith(
    t,
    place,
    { patches: plugin(t, patches), leaks: plugin(t, leaks), talks },
    { memory: '128MiB' },
  );
  await relays.reach('talks', 'connected');
  t.equal(await works(relays, 'talks'), 'x');
  await relays.reach('leaks', 'connected');
  const bloated = relays.next('the replacement', (event) => event.type === 'worker.ended' && event.relay === 'leaks');
  // It may be gone before it has answered.
  const client = await dial(relays.port('leaks'));
  t.teardown(() => client.destroy());
  t.match(await bloated, { fault: { code: 'WORKER_BLOATED' } });
  t.equal(await works(relays, 'good'), 'x');
  t.same(JSON.parse('[1]').map(Number), [1], 'the daemon has its own prototypes');
  await within('its end', relays.supervisor.stopRelay('leaks'), 10_000);
  await heardAll(t, good);
}

/** T65 */
export async function looksAround(t: Test, place: Place): Promise<void> {
  const looks = `const look = (side, context) => {
    const given = JSON.stringify([context.env, process.env, process.argv, process.execArgv]);
    console.log(side + ' context ' + Object.keys(context).sort());
    console.log(side + ' environment ' + Object.keys(process.env).filter((name) => /TOKEN|SECRET|NODE_/.test(name)));
    console.log(side + ' channel ' + typeof process.send);
    console.log(side + ' canary ' + /CANARY_TOKEN|hunter2/.test(given) + ', home ' + (context.env.HOME === '${homedir()}'));
  };
  export default { name: 'p', relay(context) {
    look('relay', context);
    return { admit(client) { console.log('client ' + Object.keys(client).sort()); return true; } };
  }, daemon(context) {
    look('daemon', context);
    return { observe() {} };
  } };\n`;
  process.env['CANARY_TOKEN'] = 'hunter2';
  t.teardown(() => {
    delete process.env['CANARY_TOKEN'];
  });
  const { relays, good } = await relaysWith(t, place, { looks: plugin(t, looks) });
  const said = (text: string) => relays.next(text, (event) => event.type === 'worker.said' && event.text === text);
  const all = [
    ...['relay', 'daemon'].flatMap((side) => [
      `${side} context env,options,relay,signal,uidOf`,
      `${side} environment `,
      `${side} channel undefined`,
      `${side} canary false, home true`,
    ]),
    'client forward,from,relay,to',
  ];
  const heard = Promise.all(all.map(said));
  await relays.reach('looks', 'connected');
  t.equal(await works(relays, 'looks'), 'x');
  await heard;
  await heardAll(t, good);
}
