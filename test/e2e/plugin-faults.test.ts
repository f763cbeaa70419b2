import { test } from 'tap';
import { floodsItsChannel, saysNoMessage } from '../core/supervisor/channel-scenes.ts';
import {
  endsItsDaemonSide,
  floodsFromItsDaemonSide,
  talksFromItsDaemonSide,
} from '../core/supervisor/daemon-side-scenes.ts';
import {
  cannotBeLoaded,
  endsEveryWorker,
  endsItsWorker,
  looksAround,
  neverAnswers,
  patchesAndLeaks,
  throwsInHooks,
  throwsInProviders,
} from '../core/supervisor/plugin-fault-scenes.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';

test('what a plugin may do wrong, with relays to a container', async (t) => {
  const { sshConfigFile } = await startContainer(t);
  const place = { sshConfigFile, echo: ECHO_PORT };
  t.jobs = 2;
  t.test(
    'a plugin that cannot be loaded blocks its own relay, by file and line, and the daemon is up',
    { buffered: true },
    (one) => cannotBeLoaded(one, place),
  );
  t.test(
    'a gate that throws refuses, and after three times its relay is blocked; an observer is left out',
    { buffered: true },
    (one) => throwsInHooks(one, place),
  );
  t.test(
    'a hook that never answers has its deadline, one that loops for ever costs its worker; others go on',
    { buffered: true },
    (one) => neverAnswers(one, place),
  );
  t.test('a plugin that ends its worker is named with its line, whichever way it does', { buffered: true }, (one) =>
    endsItsWorker(one, place),
  );
  t.test(
    'prototypes that a plugin patches, what it leaks, and what it says to the supervisor stay with its own worker',
    { buffered: true },
    (one) => patchesAndLeaks(one, place),
  );
  t.test(
    'what a plugin is given is its context and the arguments of its hooks: no key, no secret, no channel',
    { buffered: true },
    (one) => looksAround(one, place),
  );
  t.test('what is no message ends the worker that says it, and not the daemon', { buffered: true }, (one) =>
    saysNoMessage(one, place),
  );
  t.test('a worker that floods its channel is ended before the daemon has kept much of it', { buffered: true }, (one) =>
    floodsItsChannel(one, place),
  );
  t.test(
    'the daemon side of a plugin that exits, loops, leaks or fails harms nobody, and is left out',
    { buffered: true },
    (one) => endsItsDaemonSide(one, place),
  );
  t.test(
    'what is no word of a plugin, of any shape, ends its daemon side, and not the daemon',
    { buffered: true },
    (one) => talksFromItsDaemonSide(one, place),
  );
  t.test(
    'a daemon side that floods its channel is ended before the daemon has kept much of it',
    { buffered: true },
    (one) => floodsFromItsDaemonSide(one, place),
  );
  t.test('a plugin that throws in identify, backend or token blocks its relay, by name', { buffered: true }, (one) =>
    throwsInProviders(one, place),
  );
  t.test(
    'a plugin that ends each worker is blocked after its restart intensity, with the last words',
    { buffered: true },
    (one) => endsEveryWorker(one, place),
  );
});
