import type { Test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import type { Supervised } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { failed, heardAll, type Place, plugin, relaysWith, works } from './plugin-relays.ts';

// What the daemon side of a plugin may do wrong: its thread is in the daemon's own process.

/** A plugin whose daemon side has these hooks. */
const daemon = (t: Owner, hooks: string, before = '') =>
  plugin(t, `${before}export default {\n name: 'p', daemon: () => (${hooks}) };\n`);

/**
 * Gives a relay something to observe, and shows that it serves as before: each end of a worker is half a dozen events. `fault` is waited for before
 * each: of what comes while the thread ends it observes nothing.
 */
async function goesOn(
  t: Test,
  relays: Supervised,
  name: string,
  out: Promise<unknown>,
  ends: number,
  fault?: RegExp,
): Promise<void> {
  for (let n = 0, seen = 0; n < ends; n += 1) {
    if (fault !== undefined)
      seen = (await relays.next(`${name} ends its thread`, failed(name, fault), seen, 120_000)).id;
    const before = relays.supervisor.status().id;
    process.kill(relays.worker(name), 'SIGKILL');
    const again = (event: Event) => event.type === 'link.opened' && event.relay === name;
    await relays.next('the next link', again, before);
  }
  await out;
  await relays.reach(name, 'connected');
  t.equal(await works(relays, name), 'x', name);
}

const keeps = 'const kept = [];\n';
const leaking = (what: string) => `{ observe() { setInterval(() => kept.push(${what}), 20); } }`;

/** F93, F94 */
export async function endsItsThread(t: Test, place: Place): Promise<void> {
  const { relays, good } = await relaysWith(t, place, {
    exits: daemon(t, '{ observe() { process.exit(3); } }'),
    loops: { use: daemon(t, '{ observe() { for (;;); } }'), deadlines: { observe: '200ms' } },
    later: daemon(t, "{ observe() { setTimeout(() => { throw new Error('later'); }); } }"),
    throws: daemon(t, "{ observe() { throw new Error('broken'); } }"),
    typo: daemon(t, '{ obzerve() {} }'),
    buffers: daemon(t, leaking('Buffer.alloc(16 << 20, 1)'), keeps),
    heap: daemon(t, leaking('Array.from({ length: 1e5 }, (_, n) => ({ n }))'), keeps),
  });
  const rows: Readonly<Record<string, RegExp>> = {
    exits: /ended its thread \(process\.exit 3\).*after 3 ends it is left out/,
    loops: /took no event for 0\.2 s.*after 3 ends it is left out/,
    later: /failed at \S+plugin\.mjs:2: later.*after 3 ends it is left out/,
    throws: /plugin p failed in observe: broken.*after 3 failures it is left out/,
    typo: /a hook "obzerve" from daemon.*did you mean observe\?/,
    buffers: /holds \d+ MiB, more than the 256 MiB that it may.*after 3 ends it is left out/,
    heap: /holds \d+ MiB, more than the 256 MiB that it may.*after 3 ends it is left out/,
  };
  // A leak takes a while.
  const slow: Readonly<Record<string, RegExp>> = { buffers: /holds \d+ MiB/, heap: /holds \d+ MiB/ };
  for (const [name, message] of Object.entries(rows)) {
    await relays.reach(name, 'connected');
    const out = relays.next(`${name} is left out`, failed(name, message), 0, 120_000);
    await goesOn(t, relays, name, out, name === 'typo' ? 0 : 2, slow[name]);
    if (name !== 'typo') t.match(relays.status(name).warnings, [message], `${name} is out, not over`);
  }
  await heardAll(t, good);
}

/** T66 */
export async function talksFromItsThread(t: Test, place: Place): Promise<void> {
  const says = (words: string) =>
    daemon(
      t,
      `{ observe() { parentPort.postMessage(${words}); } }`,
      "import { parentPort } from 'node:worker_threads';\nlet said = 0;\n",
    );
  const no = /said what no plugin says.*after 3 ends it is left out/;
  const told = (fault: string) => `{ say: 'failed', plugin: 'p', fault: ${fault} }`;
  const rows: Readonly<Record<string, string>> = {
    shapeless: 'null',
    heir: `JSON.parse('{"__proto__":{"say":"loaded","polluted":true}}')`,
    code: told("{ code: 'constructor', message: 'x', detail: {} }"),
    // Once: it would have posted gigabytes before it is ended.
    huge: 'said++ === 0 ? Buffer.alloc(64 << 20, 1) : 0',
    long: told("{ code: 'PLUGIN_FAILED', message: 'x'.repeat(3e7), detail: {} }"),
    // Each is an event, which it observes again.
    many: told("{ code: 'PLUGIN_FAILED', message: 'x', detail: { y: 'y'.repeat(1e6), z: {} } }"),
  };
  const guests = Object.entries(rows).map(
    // What is large may take a slow host longer than an observer has: that is another end.
    ([name, words]) => [name, { use: says(words), deadlines: { observe: '60s' } }] as const,
  );
  const { relays, good } = await relaysWith(t, place, Object.fromEntries(guests));
  for (const name of Object.keys(rows)) {
    const out = relays.next(`${name} is left out`, failed(name, no), 0, 120_000);
    await relays.reach(name, 'connected');
    await goesOn(t, relays, name, out, 2, /said what no plugin says/);
  }
  t.notOk('polluted' in {});
  const kept = JSON.stringify(relays.events).length;
  t.ok(kept < 1e6, `the events of all have ${kept} characters`);
  await heardAll(t, good);
}
