import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { dial, fate } from '../fixtures/client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

const FILL =
  'globalThis.heap ??= []; const fill = () => { for (let n = 0; n < 40; n += 1) heap.push(new Array(25_000).fill(n + 0.5)); };';

const bloated = { code: 'WORKER_BLOATED', message: /used \d+ MiB of 300 MiB and is replaced; raise memory/ };

for (const [how, code] of [
  ['bit by bit', 'setInterval(fill, 20)'],
  // It answers nobody meanwhile: its size is looked at from outside.
  ['in one go', 'for (;;) fill()'],
] as const) {
  test(`F75: a plugin that fills the heap ${how} costs its worker, and the other relay no byte`, async (t) => {
    const sshd = await startSshd(t);
    const echo = await startEcho(t);
    const forwards = [`0:127.0.0.1:${echo.port}`];
    const file = join(makeTemp(t, 'fills'), 'fills.mjs');
    const admit = `admit() { ${FILL} ${code}; return true; }`;
    writeFileSync(file, `export default { name: 'fills', relay: () => ({ ${admit} }) };\n`, { mode: 0o600 });
    const relays = await supervise(t, sshd, {
      fills: { host: 'test', forwards, plugins: [file], memory: '300MiB' },
      other: { host: 'test', forwards },
    });
    await relays.reach('fills', 'connected');
    await relays.reach('other', 'connected');
    const calm = await dial(relays.port('other'));
    t.teardown(() => calm.destroy());
    const { id } = relays.supervisor.status();
    const victim = await dial(relays.port('fills'));
    const cut = fate(victim);
    const since = clock();
    const ended = await relays.next('the end of the worker', (event) => event.type === 'worker.ended', id, 60_000);
    const detect = since();
    t.match(ended, { relay: 'fills', fault: bloated });
    // Who was not served yet is handed on, to the next worker that fills: it leaves.
    victim.resetAndDestroy();
    await cut;
    await relays.reach('fills', 'connected', 40_000);
    t.ok(detect < 4_500, `${detect}`);
    measured(t, 'F75', { how: how.replaceAll(' ', '-'), detect, recover: since() });
    const answer = once(calm, 'data');
    calm.write('still here');
    t.equal(String((await within('an answer', answer))[0]), 'still here');
    t.same(
      relays.events.filter(
        ({ id: at, ...event }) =>
          at > id && event.type === 'lane.changed' && event.relay === 'other' && event.state.at !== 'up',
      ),
      [],
    );
  });
}
