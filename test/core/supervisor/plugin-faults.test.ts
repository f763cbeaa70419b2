import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { floodsItsChannel, saysNoMessage } from './channel-scenes.ts';
import { endsItsDaemonSide, floodsFromItsDaemonSide, talksFromItsDaemonSide } from './daemon-side-scenes.ts';
import {
  cannotBeLoaded,
  endsEveryWorker,
  endsItsWorker,
  looksAround,
  neverAnswers,
  patchesAndLeaks,
  throwsInHooks,
  throwsInProviders,
} from './plugin-fault-scenes.ts';
import type { Place } from './plugin-relays.ts';

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

test('the daemon side of a plugin that exits, loops, leaks or fails harms nobody, and is left out', async (t) => {
  await endsItsDaemonSide(t, await startPlace(t));
});

test('what is no word of a plugin, of any shape, ends its daemon side, and not the daemon', async (t) => {
  await talksFromItsDaemonSide(t, await startPlace(t));
});

test('a daemon side that floods its channel is ended before the daemon has kept much of it', async (t) => {
  await floodsFromItsDaemonSide(t, await startPlace(t));
});

test('a plugin that throws in identify, backend or token blocks its relay, by name', async (t) => {
  await throwsInProviders(t, await startPlace(t));
});

test('a plugin that ends each worker is blocked after its restart intensity, with the last words', async (t) => {
  await endsEveryWorker(t, await startPlace(t));
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
