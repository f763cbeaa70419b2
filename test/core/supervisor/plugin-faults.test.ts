import { test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { floodsItsChannel, saysNoMessage } from './channel-scenes.ts';
import {
  cannotBeLoaded,
  endsItsWorker,
  looksAround,
  neverAnswers,
  patchesAndLeaks,
  throwsInHooks,
} from './plugin-fault-scenes.ts';
import { failed, heardAll, type Place, plugin, relaysWith, works } from './plugin-relays.ts';

async function startPlace(t: Owner): Promise<Place> {
  const { sshConfigFile } = await startSshd(t);
  return { sshConfigFile, echo: (await startEcho(t)).port };
}

test('a plugin that cannot be loaded blocks its own relay, by file and line, and the daemon is up', async (t) => {
  await cannotBeLoaded(t, await startPlace(t));
});

test('a gate that throws refuses, and after three times its relay is blocked; an observer is left out', async (t) => {
  await throwsInHooks(t, await startPlace(t));
});

test('a hook that never answers has its deadline, one that loops for ever costs its worker; others go on', async (t) => {
  await neverAnswers(t, await startPlace(t));
});

test('a plugin that ends its worker is named with its line, whichever way it does', async (t) => {
  await endsItsWorker(t, await startPlace(t));
});

test('prototypes that a plugin patches, what it leaks, and what it says to the supervisor stay with its own worker', async (t) => {
  await patchesAndLeaks(t, await startPlace(t));
});

test('the daemon side of a plugin that exits, loops or fails harms nobody, and is left out', async (t) => {
  const daemon = (text: string) => plugin(t, `export default {\n name: 'p', daemon: () => (${text}) };\n`);
  const { relays, good } = await relaysWith(t, await startPlace(t), {
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
  await heardAll(t, good);
});

test('what a plugin is given is its context and the arguments of its hooks: no key, no secret, no channel', async (t) => {
  await looksAround(t, await startPlace(t));
});

test('what is no message ends the worker that says it, and not the daemon', async (t) => {
  await saysNoMessage(t, await startPlace(t));
});

test('a worker that floods its channel is ended before the daemon has kept much of it', async (t) => {
  await floodsItsChannel(t, await startPlace(t));
});
