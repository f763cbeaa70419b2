import type { Test } from 'tap';
import { dial } from '../../fixtures/client.ts';
import { ended, heardAll, type Place, plugin, relaysWith } from './plugin-relays.ts';

/** What a daemon may grow by, MiB, whoever says how much. */
export const growth = 96;

/** What a plugin says to the supervisor by the only way that is left, descriptor 3 of a forked process: no words of a worker. */
const words = {
  shapeless: String.raw`null\n{"say":7}\n`,
  malformed: String.raw`{"say":\n`,
  receipt: String.raw`{"cmd":"NODE_HANDLE_ACK"}\n`,
  heir: String.raw`{"__proto__":{"say":"pong"}}\n`,
  late: String.raw`{"say":"pong","constructor":{"prototype":{"polluted":true}}}\n]\n`,
  // The first connection of all is another relay's, and open.
  thief: String.raw`{"say":"returned","id":1}\n`,
  liar: String.raw`{"say":"closed","id":1,"told":null}\n`,
};

/** T66 */
export async function saysNoMessage(t: Test, place: Place): Promise<void> {
  const guests = Object.entries(words).map(([name, text]) => {
    const admit = `admit() { writeSync(3, process.env.HOME ? '${text}' : ''); return true; }`;
    const code = `import { writeSync } from 'node:fs';\nexport default { name: 'p', relay: () => ({ ${admit} }) };\n`;
    return [name, plugin(t, code)] as const;
  });
  const { relays, good } = await relaysWith(t, place, Object.fromEntries(guests));
  for (const [name] of guests) {
    await relays.reach(name, 'connected');
    const end = relays.next('its end', ended(name, /said what no worker says/));
    const client = await dial(relays.port(name));
    t.teardown(() => client.destroy());
    t.match(await end, { fault: { code: 'WORKER_FAILED', message: /look at the relay's plugins/ } }, name);
    await relays.reach(name, 'connected');
  }
  t.notOk('polluted' in {});
  await heardAll(t, good);
}

/** The beginning of a plugin: 1 GB without a line feed goes to its channel, as fast as that takes it. */
export const pouring = `import { writeSync } from 'node:fs';
const piece = Buffer.alloc(64 * 1024, 'x');
let left = 1e9;
function pour() {
  try {
    for (let n = 0; n < 64 && left > 0; n += 1) left -= writeSync(3, piece);
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  }
  if (left > 0) setImmediate(pour);
}
`;

/** T66: 1 GB without a line feed, as fast as the pipe takes it. */
export async function floodsItsChannel(t: Test, place: Place): Promise<void> {
  const floods = plugin(
    t,
    `${pouring}export default { name: 'p', relay: () => ({ admit() { pour(); return true; } }) };\n`,
  );
  const { relays, good } = await relaysWith(t, place, { floods });
  await relays.reach('floods', 'connected');
  const before = process.memoryUsage.rss();
  const end = relays.next('its end', ended('floods', /said what no worker says/));
  const client = await dial(relays.port('floods'));
  t.teardown(() => client.destroy());
  t.match(await end, { fault: { code: 'WORKER_FAILED' } });
  const grown = (process.memoryUsage.rss() - before) / 1024 / 1024;
  t.ok(grown < growth, `the daemon grew by ${grown.toFixed(1)} MiB`);
  await relays.reach('floods', 'connected');
  await heardAll(t, good);
}
