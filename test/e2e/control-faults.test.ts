import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { backlogLimit } from '../../src/control/server-sent-events.ts';
import { forbidden } from '../control/forbidden.ts';
import { speak } from '../control/served.ts';
import { keepTalking, talk } from '../faults/talk.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { residentSize } from '../fixtures/process-tree.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startDaemon, type TestDaemon, writeConfig } from './daemon.ts';

interface Scene {
  readonly daemon: TestDaemon;
  readonly folder: string;
  readonly socket: string;
  status(): Promise<{ readonly code: number }>;
  /** Writes such a config over that of the daemon and has it read; the command's end. */
  reload(relays: object): ReturnType<typeof runTowline>;
}

const good = { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] };

/** F95 */
async function losesItsSocket(t: Test, { folder, socket, status }: Scene): Promise<void> {
  for (const place of [socket, folder]) {
    rmSync(place, { recursive: true });
    const began = performance.now();
    await waitUntil('the daemon answers', async () => (await status()).code === 0);
    const took = performance.now() - began;
    t.comment(`measured F95 it answers again after ${Math.round(took)} ms`);
    t.ok(took < 6_000, place);
  }
}

/** F97 */
async function hearsNonsense(t: Test, { socket, status }: Scene): Promise<void> {
  for (const [what, headers, code] of forbidden) {
    const answer = await speak(socket, `POST /v1/relays/good/stop HTTP/1.1\r\n${headers}\r\n`);
    t.match(answer, new RegExp(`^HTTP/1.1 ${code} `), what);
  }
  t.match(await speak(socket, 'SSH-2.0-wrong\r\n\r\n'), /^HTTP\/1.1 400 /);
  // Another request in the same breath gets no answer: what comes after a refusal is not read.
  const two = `POST /v1/down HTTP/1.1\r\nHost: evil.test\r\n\r\nPOST /v1/down HTTP/1.1\r\nHost: evil.test\r\n\r\n`;
  t.match(await speak(socket, two), /^HTTP\/1.1 403 /);
  t.equal((await status()).code, 0);
}

/** Readers of all events to come, and one that never reads. */
async function openReaders(t: Test, socket: string, count: number): Promise<{ heard(): number[]; lazy: Socket }> {
  const heard: number[] = [];
  const open = async (n: number): Promise<Socket> => {
    const reader = connect(socket, () => reader.write('GET /v1/events?after=0 HTTP/1.1\r\nHost: towline\r\n\r\n'));
    reader.on('error', () => undefined);
    t.teardown(() => reader.destroy());
    heard[n] = 0;
    if (n === 0) return reader.pause();
    reader.on('data', (chunk: Buffer) => {
      heard[n] = (heard[n] ?? 0) + chunk.length;
    });
    return reader;
  };
  const [lazy] = await Promise.all(Array.from({ length: count }, (_, n) => open(n)));
  if (lazy === undefined) throw new Error('nobody reads');
  await waitUntil('all read', () => heard.slice(1).every((bytes) => bytes > 0));
  return { heard: () => heard.slice(1), lazy };
}

// What the kernel keeps of a Unix socket comes to the backlog.
const enough = 1.4 * backlogLimit;

/** F96: what the daemon has to tell is a config that is wrong in a hundred places. */
async function isReadByMany(t: Test, { daemon, socket, reload }: Scene): Promise<void> {
  const before = await talk(await daemon.port('good'), 1_500);
  const size = residentSize(daemon.cli.pid);
  const readers = await openReaders(t, socket, 200);
  const wrong = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`wrong-${n}-${'x'.repeat(60)}`, n]));
  const meanwhile = keepTalking(await daemon.port('good'));
  let dropped = false;
  readers.lazy.once('close', () => {
    dropped = true;
  });
  let peak = 0;
  t.not((await reload({ good: { ...good, ...wrong } })).code, 0);
  const heard = () => Math.min(...readers.heard());
  for (let n = 0; n < 400 && heard() < enough; n += 1) {
    await t.rejects(openClient(socket).reload('all'));
    peak = Math.max(peak, residentSize(daemon.cli.pid));
  }
  const { longest } = await meanwhile();
  t.comment(
    `measured F96 readers=200 heard=${(heard() / 2 ** 20).toFixed(1)}MiB each rss=+${((peak - size) / 2 ** 20).toFixed(0)}MiB`,
    `longest trip ${Math.round(before.longest)} ms before, ${Math.round(longest)} ms meanwhile`,
  );
  t.ok(heard() >= enough, 'the others heard all of it');
  readers.lazy.resume();
  await waitUntil('the lazy one was dropped', () => dropped);
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
    status: () => runTowline(t, ['status']),
    reload: (relays) => {
      writeConfig(t, container, relays);
      return runTowline(t, ['reload']);
    },
  };
  const talks = keepTalking(await daemon.port('good'));
  await t.test('a control socket that is deleted, or its folder, is there again', (one) => losesItsSocket(one, scene));
  await t.test('what is no HTTP, or too much of it, is refused', (one) => hearsNonsense(one, scene));
  await t.test('of two hundred readers of events the one that never reads is dropped', (one) =>
    isReadByMany(one, scene),
  );
  const { count, longest } = await talks();
  t.ok(count > 0);
  t.comment(`measured over its relay ${count} words, the longest ${Math.round(longest)} ms`);
});
