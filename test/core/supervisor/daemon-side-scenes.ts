import type { Test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import type { Supervised } from '../../fixtures/supervised.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { growth, pouring } from './channel-scenes.ts';
import { failed, heardAll, type Place, plugin, relaysWith, works } from './plugin-relays.ts';

// What the daemon side of a plugin may do wrong in its process.

/** A plugin whose daemon side has these hooks. */
const daemon = (t: Owner, hooks: string, before = '') =>
  plugin(t, `${before}export default {\n name: 'p', daemon: () => (${hooks}) };\n`);

/**
 * Gives a relay something to observe, and shows that it serves as before: each end of a worker is half a dozen events. `fault` is waited for before
 * each: of what comes while its process ends it observes nothing.
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
      seen = (await relays.next(`${name} ends its daemon side`, failed(name, fault), seen, 120_000)).id;
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
const greedy = (what: string) => `{ observe() { for (;;) kept.push(${what}); } }`;
const objects = 'Array.from({ length: 1e5 }, (_, n) => ({ n }))';
const buffer = 'Buffer.alloc(16 << 20, 1)';

/** Whoever comes first: the daemon, which weighs each, or V8 with the limit of that one process. */
const tooMuch = String.raw`(?:holds \d+ MiB, more than the 256 MiB that it may|was killed by SIGABRT \("FATAL ERROR: .* heap out of memory"\))`;

/** F93, F94 */
export async function endsItsDaemonSide(t: Test, place: Place): Promise<void> {
  const { relays, good } = await relaysWith(t, place, {
    exits: daemon(t, '{ observe() { process.exit(3); } }'),
    loops: { use: daemon(t, '{ observe() { for (;;); } }'), deadlines: { observe: '200ms' } },
    // What it wrote before is not what ended it.
    later: daemon(
      t,
      "{ observe() { console.error(new Error('harmless')); setTimeout(() => { throw new Error('later'); }); } }",
    ),
    closes: daemon(t, '{ observe() { closeSync(3); } }', "import { closeSync } from 'node:fs';"),
    throws: daemon(t, "{ observe() { throw new Error('broken'); } }"),
    typo: daemon(t, '{ obzerve() {} }'),
    buffers: daemon(t, leaking(buffer), keeps),
    heap: daemon(t, leaking(objects), keeps),
    // It is never free to weigh itself.
    greedy: daemon(t, greedy(objects), keeps),
    greedyBuffers: daemon(t, greedy(buffer), keeps),
  });
  const leaks = ['buffers', 'heap', 'greedy', 'greedyBuffers'];
  const rows: Readonly<Record<string, RegExp>> = {
    exits: /exited with 3 \("Error: process\.exit\(3\) was called at \S+plugin\.mjs:2"\).*after 3 ends it is left out/,
    loops: /took no event for 0\.2 s.*after 3 ends it is left out/,
    later: /exited with 1 \("Error: later \(uncaughtException at \S+plugin\.mjs:2\)"\).*after 3 ends it is left out/,
    closes: /closed its channel.*after 3 ends it is left out/,
    throws: /plugin p failed in observe: broken.*after 3 failures it is left out/,
    typo: /a hook "obzerve" from daemon.*did you mean observe\?/,
    ...Object.fromEntries(leaks.map((name) => [name, new RegExp(`${tooMuch}.*after 3 ends it is left out`)])),
  };
  // These take a while.
  const slow: Readonly<Record<string, RegExp>> = {
    ...Object.fromEntries(leaks.map((name) => [name, new RegExp(tooMuch)])),
    closes: /closed its channel/,
  };
  for (const [name, message] of Object.entries(rows)) {
    await relays.reach(name, 'connected');
    const out = relays.next(`${name} is left out`, failed(name, message), 0, 120_000);
    await goesOn(t, relays, name, out, name === 'typo' ? 0 : 2, slow[name]);
    if (name !== 'typo') t.match(relays.status(name).warnings, [message], `${name} is out, not over`);
  }
  await heardAll(t, good);
}

/** T66 */
export async function talksFromItsDaemonSide(t: Test, place: Place): Promise<void> {
  const says = (words: string) =>
    daemon(t, `{ observe() { writeSync(3, ${words}); } }`, "import { writeSync } from 'node:fs';\n");
  const no = /said what no plugin says.*after 3 ends it is left out/;
  const told = (fault: string) => `JSON.stringify({ say: 'failed', plugin: 'p', fault: ${fault} }) + '\\n'`;
  const many = told("{ code: 'PLUGIN_FAILED', message: 'x', detail: { y: 'y'.repeat(1e4), z: {} } }");
  const rows: Readonly<Record<string, string>> = {
    shapeless: "'null\\n'",
    malformed: `'{"say":\\n'`,
    receipt: `'{"cmd":"NODE_HANDLE_ACK"}\\n'`,
    heir: `'{"__proto__":{"say":"loaded","polluted":true}}\\n'`,
    code: told("{ code: 'constructor', message: 'x', detail: {} }"),
    long: told("{ code: 'PLUGIN_FAILED', message: 'x'.repeat(9000), detail: {} }"),
    // Each is an event, which it observes again.
    many,
  };
  const guests = Object.entries(rows).map(([name, words]) => [name, says(words)] as const);
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

/** T66: bytes without a line feed, as fast as the pipe takes them. */
export async function floodsFromItsDaemonSide(t: Test, place: Place): Promise<void> {
  const { relays, good } = await relaysWith(t, place, {
    floods: daemon(t, '{ observe() { pour(); } }', pouring),
  });
  const before = process.memoryUsage.rss();
  const no = /said what no plugin says.*after 3 ends it is left out/;
  const out = relays.next('it is left out', failed('floods', no), 0, 120_000);
  await relays.reach('floods', 'connected');
  await goesOn(t, relays, 'floods', out, 2, /said what no plugin says/);
  const grown = (process.memoryUsage.rss() - before) / 1024 / 1024;
  t.ok(grown < growth, `the daemon grew by ${grown.toFixed(1)} MiB`);
  await heardAll(t, good);
}
