import { chmodSync, lstatSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Test, test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { backlogLimit } from '../../src/control/server-sent-events.ts';
import { forbidden } from '../control/forbidden.ts';
import { type Heard, outstay, type Speech } from '../control/odd-clients.ts';
import { keepTalking, talk, type Trips } from '../faults/talk.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { residentSize } from '../fixtures/process-tree.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { openReaders } from './event-readers.ts';
import { startDaemon, type TestDaemon, writeConfig } from './daemon.ts';

interface Scene {
  readonly daemon: TestDaemon;
  readonly folder: string;
  readonly socket: string;
  readonly log: string;
  status(): Promise<{ readonly code: number }>;
  /** Writes such a config over that of the daemon and has it read; the command's end. */
  reload(relays: object): ReturnType<typeof runTowline>;
}

const good = { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] };

/** A socket in this place behind which nobody listens any more. */
async function leaveStale(place: string): Promise<void> {
  const [fresh, server] = [`${place}.stale`, createServer()];
  await new Promise<void>((listening) => server.listen(fresh, listening));
  renameSync(fresh, place);
  await new Promise((closed) => server.close(closed));
}

/** F95 */
async function losesItsSocket(t: Test, { daemon, folder, socket, log, status }: Scene): Promise<void> {
  const removed = /somebody removed the control socket .*towline\.sock; it is there again/;
  const deeds: readonly (readonly [what: string, deed: () => unknown, logged: RegExp])[] = [
    ['its socket is removed', () => rmSync(socket), removed],
    ['its folder is removed', () => rmSync(folder, { recursive: true }), removed],
    ['a stale socket has its place', () => leaveStale(socket), removed],
    ['its folder is opened', () => chmodSync(folder, 0o755), /somebody set .*run to mode 0755; it is 0700 again/],
  ];
  for (const [what, deed, logged] of deeds) {
    const [before, began] = [readFileSync(log, 'utf8').length, performance.now()];
    await deed();
    const whole = async () => {
      if ((lstatSync(folder, { throwIfNoEntry: false })?.mode ?? 0) % 0o1000 !== 0o700) return false;
      return (
        (
          await openClient(socket)
            .version()
            .catch(() => null)
        )?.pid === daemon.cli.pid
      );
    };
    await waitUntil(what, whole, { every: 20 });
    const took = performance.now() - began;
    t.comment(`measured F95 ${what}: it answers again after ${Math.round(took)} ms`);
    t.ok(took < 5_000, what);
    t.match(readFileSync(log, 'utf8').slice(before), logged, what);
    t.match(await status(), { code: 0 }, what);
  }
}

/** F97 */
async function hearsNonsense(t: Test, { socket, status }: Scene): Promise<void> {
  const refused = async (what: string, status: number, speech: Speech): Promise<Heard> => {
    const heard = await outstay(socket, speech);
    t.match(heard.text, new RegExp(`^HTTP/1.1 ${status} `), what);
    t.equal(heard.text.match(/^HTTP\/1\.1 /gm)?.length, 1, `${what}: nothing after it is answered`);
    // Well before the 5 s after which any idle connection is closed.
    t.ok(heard.took < 2_000, `${what}: closed after ${Math.round(heard.took)} ms`);
    return heard;
  };
  for (const [what, headers, code] of forbidden) {
    await refused(what, code, { first: `POST /v1/relays/good/stop HTTP/1.1\r\n${headers}\r\n` });
  }
  await refused('what is no HTTP', 400, { first: 'SSH-2.0-wrong\r\n\r\n' });
  const piece = 'x'.repeat(4096);
  const endless = { first: 'GET /v1/status HTTP/1.1\r\nX: ', more: { piece, every: 1, total: 2 ** 20 } };
  const { sent } = await refused('a header of 1 MB', 431, endless);
  t.ok(sent < 2 ** 18, `a header of 1 MB: closed after ${sent} bytes`);
  // Another request in the same breath gets no answer: what comes after a refusal is not read.
  const one = 'POST /v1/down HTTP/1.1\r\nHost: evil.test\r\n\r\n';
  await refused('two requests at once', 403, { first: one + one.replace('evil.test', 'towline') });
  t.equal((await status()).code, 0);
}

/** F97, by the clock: who is slow on purpose, a byte at a time or none, is closed all the same. */
async function waitsForNobody(t: Test, { socket, status }: Scene): Promise<void> {
  const slowly = (piece: string) => ({ piece, every: 500, total: 1_000 });
  const body = 'Host: towline\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{';
  const cases: readonly (readonly [what: string, speech: Speech, answer: RegExp, least: number, most: number])[] = [
    ['not a word', { first: '' }, /^(?:HTTP\/1\.1 408 |$)/, 4_000, 6_000],
    ['half a header', { first: 'GET /v1/status HTTP/1.1\r\nHost: tow' }, /^HTTP\/1\.1 408 /, 4_000, 6_000],
    ['a slow header', { first: 'GET /v1/status HTTP/1.1\r\nX: ', more: slowly('x') }, /^HTTP\/1\.1 408 /, 4_000, 6_000],
    ['half a body', { first: `POST /v1/questions/1 HTTP/1.1\r\n${body}` }, /^HTTP\/1\.1 408 /, 8_000, 11_000],
    [
      'a slow body',
      { first: `POST /v1/questions/1 HTTP/1.1\r\n${body}`, more: slowly(' ') },
      /^HTTP\/1\.1 408 /,
      8_000,
      11_000,
    ],
    [
      'half a body that nobody reads',
      { first: `POST /v1/relays/none/stop HTTP/1.1\r\n${body}` },
      /^HTTP\/1\.1 404 /,
      0,
      11_000,
    ],
  ];
  await Promise.all(
    cases.map(async ([what, speech, answer, least, most]) => {
      const heard = await outstay(socket, speech);
      t.comment(`measured F97 ${what}: closed after ${Math.round(heard.took)} ms`);
      t.match(heard.text, answer, what);
      t.ok(heard.took >= least && heard.took <= most, `${what}: closed after ${Math.round(heard.took)} ms`);
    }),
  );
  t.equal((await status()).code, 0);
}

/** What the kernel keeps of a Unix socket comes to the backlog. */
const enough = 1.4 * backlogLimit;

/** Has the daemon say so much, in bytes to each reader of its events: what it has to tell is a config that is wrong in a hundred places. */
async function storm({ daemon, socket }: Scene, over: () => boolean): Promise<{ trips: Trips; peak: number }> {
  const meanwhile = keepTalking(await daemon.port('good'));
  let peak = 0;
  for (let n = 0; n < 600 && !over(); n += 1) {
    await openClient(socket)
      .reload('all')
      .catch(() => undefined);
    peak = Math.max(peak, residentSize(daemon.cli.pid));
    // The cores are not to be full: it is the readers that are looked at, not the load.
    await sleep(50);
  }
  return { trips: await meanwhile(), peak };
}

/** F96 */
async function isReadByMany(t: Test, scene: Scene): Promise<void> {
  const { daemon, socket, reload } = scene;
  const wrong = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`wrong-${n}-${'x'.repeat(60)}`, n]));
  t.not((await reload({ good: { ...good, ...wrong } })).code, 0);
  await t.rejects(openClient(socket).reload('all'), { code: 'CONFIG_INVALID' });
  const quiet = await talk(await daemon.port('good'), 3_000);
  const one = await openReaders(t, socket, 2);
  const before = await storm(scene, () => (one.heard[1] ?? 0) >= enough);
  const size = residentSize(daemon.cli.pid);
  const { heard, lazy } = await openReaders(t, socket, 200);
  const least = () => Math.min(...heard.slice(1));
  const gone = once(lazy, 'close');
  const { trips, peak } = await storm(scene, () => least() >= enough);
  const shown = ({ p99, longest, count }: Trips) =>
    `p99 ${Math.round(p99)}, longest ${Math.round(longest)} of ${count} ms`;
  t.comment(
    `measured F96 readers=200 heard=${(least() / 2 ** 20).toFixed(1)}MiB each rss=+${((peak - size) / 2 ** 20).toFixed(0)}MiB`,
    `quiet: ${shown(quiet)}; one reader: ${shown(before.trips)}; all: ${shown(trips)}`,
  );
  t.ok(least() >= enough, 'the others heard all of it');
  t.ok(peak - size < 96 * 2 ** 20, 'the daemon kept no more for two hundred than it may for a hundred');
  t.ok(trips.p99 < 3 * before.trips.p99 + 100, `the relay does not feel them: ${shown(trips)}`);
  lazy.resume();
  await within('the lazy one was dropped', gone);
  t.ok((heard[0] ?? 0) < backlogLimit / 2, `it was dropped with all that waited: it got ${heard[0]} bytes`);
}

test('what may happen to the control of a daemon whose relay leads to a container', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, { good });
  await daemon.reach('good', 'connected');
  const folder = join(homeOf(t), 'run');
  const scene: Scene = {
    daemon,
    folder,
    socket: join(folder, 'towline.sock'),
    log: join(homeOf(t), '.state', 'towline', 'towline.log'),
    status: () => runTowline(t, ['status']),
    reload: (relays) => {
      writeConfig(t, container, relays);
      return runTowline(t, ['reload']);
    },
  };
  const talks = keepTalking(await daemon.port('good'));
  await t.test('a control socket that is lost, or whose folder is lost or opened, is there again within 5 s', (one) =>
    losesItsSocket(one, scene),
  );
  await t.test('what is no HTTP, or too much of it, is refused and closed', (one) => hearsNonsense(one, scene));
  await t.test('who takes his time over a header is closed within 6 s, over a body within 11 s', (one) =>
    waitsForNobody(one, scene),
  );
  await t.test('of two hundred readers of events the one that never reads is dropped', (one) =>
    isReadByMany(one, scene),
  );
  const { count, longest } = await talks();
  t.ok(count > 0);
  t.comment(`measured over its relay ${count} words, the longest ${Math.round(longest)} ms`);
});
