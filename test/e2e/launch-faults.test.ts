import { test } from 'tap';
import { startContainer } from '../fixtures/container.ts';
import {
  comesLate,
  endsAtOnce,
  goesIntoBackground,
  ignoresTerm,
  leavesOrphans,
  neverComes,
  printsInDisguise,
  printsTwoAddresses,
} from '../plugins/launch/fault-scenes.ts';
import { isSquatted, printsAnotherHost, takesAnotherPort } from '../plugins/launch/port-scenes.ts';
import { containerHost } from './container-host.ts';

test('what a launched backend may do wrong, in a container', async (t) => {
  t.jobs = 4;
  const host = containerHost(await startContainer(t));
  t.test(
    'a backend that is late is waited for, and its last line is shown without its token',
    { buffered: true },
    (one) => comesLate(one, host),
  );
  t.test(
    'one that never gets ready is given up with its last lines, and goes on running unless it is to stop',
    { buffered: true },
    (one) => neverComes(one, host),
  );
  t.test('a token that comes twice, in pieces, in colour and on stderr is found', { buffered: true }, (one) =>
    printsInDisguise(one, host),
  );
  t.test(
    'a second token counts at the same address; at another one the first counts, and both are told',
    { buffered: true },
    (one) => printsTwoAddresses(one, host),
  );
  t.test('one that ends before it is ready is told by its exit code and its last lines', { buffered: true }, (one) =>
    endsAtOnce(one, host),
  );
  t.test(
    'a launcher that goes into the background is followed, and one that left us is told',
    { buffered: true },
    (one) => goesIntoBackground(one, host),
  );
  t.test('a backend that takes another port than the one it was given is followed', { buffered: true }, (one) =>
    takesAnotherPort(one, host),
  );
  t.test(
    'what listens on the printed port without being ours is never taken for the backend',
    { buffered: true },
    (one) => isSquatted(one, host),
  );
  t.test(
    'an address of another host, or of another port than it was told to use, is not believed',
    { buffered: true },
    (one) => printsAnotherHost(one, host),
  );
  t.test('what a dead run left is named, and neither killed nor doubled', { buffered: true }, (one) =>
    leavesOrphans(one, host),
  );
  t.test(
    'stop ends a backend that ignores TERM, and it is not started again unless somebody asks for it',
    { buffered: true },
    (one) => ignoresTerm(one, host),
  );
});
