import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'tap';
import { startEcho, startSink, startSource } from '../fixtures/backend.ts';
import { hashOf, testBytes, testHash } from '../fixtures/bytes.ts';
import { dial, exchange, fate, readAll } from '../fixtures/client.ts';
import { hostKeyOffset } from '../fixtures/key-reply.ts';
import { startRoads } from '../fixtures/roads.ts';
import { openTestLink } from '../fixtures/link.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

const brief = { tcp: 3_000, greeting: 3_000, keyExchange: 3_000, auth: 3_000, open: 3_000 };

/** How a handshake over a road ended: the code of its fault, or `up` for one that did not fail. */
async function attempt(
  t: Parameters<typeof openTestLink>[0],
  sshConfigFile: string,
  host: string,
): Promise<readonly [string, string]> {
  const options = { host, deadlines: brief, quicken: false };
  return within(`an end of ${host}`, openTestLink(t, { sshConfigFile }, options), 20_000).then(
    (link) => {
      link.close();
      return ['up', ''] as const;
    },
    (error: unknown) =>
      error instanceof Error && 'code' in error ? [String(error.code), error.message] : ['no fault', String(error)],
  );
}

/** Does one thing for each of a list, so many at a time. */
async function each<T>(list: readonly T[], jobs: number, deed: (one: T, job: number) => Promise<void>): Promise<void> {
  const left = [...list];
  const work = async (job: number) => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await deed(one, job);
  };
  await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)));
}

const tally = (codes: readonly string[]): string =>
  [...new Set(codes)]
    .sort()
    .map((code) => `${code}:${codes.filter((one) => one === code).length}`)
    .join(',');

test('F17: segments of one byte carry everything, at no great cost', async (t) => {
  const sshd = await startSshd(t);
  const size = 100_000;
  const sink = await startSink(t);
  const { sshConfigFile, road } = await startRoads(t, sshd, ['thin']);
  road.thin.add({ kind: 'slicer', size: 1 });
  const relays = await supervise(t, { sshConfigFile }, { r: { host: 'thin', forwards: [`0:127.0.0.1:${sink.port}`] } });
  await relays.reach('r', 'connected');
  t.equal(road.thin.passages.length, 1, 'at the first try');
  const since = clock();
  const answer = await exchange(relays.port('r'), Buffer.concat([...testBytes(size)]), 60_000);
  t.equal(String(answer), testHash(size));
  measured(t, 'F17', { bytes: String(size), took: since() });
});

test('F17: a greeting that comes byte by byte is whole, however often it is tried', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 100'] });
  const { sshConfigFile, road } = await startRoads(t, sshd, ['thin']);
  // Apart far enough that each byte is read alone.
  const off = road.thin.add({ kind: 'slicer', size: 1, delay: 2 }, 'down');
  road.thin.next().then((passage) => void waitUntil('the greeting', () => passage.down > 60).then(off));
  const since = clock();
  t.same(await attempt(t, sshConfigFile, 'thin'), ['up', '']);
  measured(t, 'F17', { greeting: 'bytes', took: since() });
});

test('F18: a connection that is cut after N bytes, N from 0 to 6000, is always an error in time, and never silent', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 100'] });
  const jobs = 8;
  const names = Array.from({ length: jobs }, (_, job) => `road${job}`);
  const { sshConfigFile, road } = await startRoads(t, sshd, names);
  for (const direction of ['down', 'up'] as const) {
    const codes: string[] = [];
    let slowest = 0;
    // Each of the first bytes, the greeting among them; then in steps that share no factor with the size of a block.
    const cuts = [
      ...Array.from({ length: 64 }, (_, n) => n),
      ...Array.from({ length: 143 }, (_, n) => 64 + 41 * n),
      6_000,
    ];
    await each(cuts, jobs, async (bytes, job) => {
      const host = names[job] ?? '';
      const off = road[host]?.add({ kind: 'limit_data', bytes }, direction);
      const since = clock();
      const [code, message] = await attempt(t, sshConfigFile, host);
      off?.();
      slowest = Math.max(slowest, since());
      codes.push(code);
      if (code === 'up') return;
      if (!/^[A-Z_]+$/.test(code) || message === '') t.fail(`${direction} after ${bytes}: ${code} ${message}`);
      if (code === 'HOST_KEY_CHANGED' || code === 'AUTH_REJECTED' || code === 'INTERNAL') {
        t.fail(`${direction} after ${bytes}: ${code} ${message}`);
      }
    });
    measured(t, 'F18', { cut: direction, cuts: String(cuts.length), slowest, ends: tally(codes) });
    t.ok(slowest < 8_000, `${slowest}`);
    t.ok(codes.filter((code) => code !== 'up').length > 64, tally(codes));
  }
});

test('F19: flipped bits in a handshake end it in time, and never as a host key to trust', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 100'] });
  const jobs = 8;
  const names = Array.from({ length: jobs }, (_, job) => `road${job}`);
  const { sshConfigFile, road } = await startRoads(t, sshd, names);
  for (const direction of ['down', 'up'] as const) {
    const codes: string[] = [];
    let slowest = 0;
    const places = Array.from({ length: 60 }, (_, n) => n * 47);
    await each(places, jobs, async (at, job) => {
      const host = names[job] ?? '';
      const off = road[host]?.add({ kind: 'xor', at, mask: 1 << (at % 8) }, direction);
      const since = clock();
      const [code, message] = await attempt(t, sshConfigFile, host);
      off?.();
      slowest = Math.max(slowest, since());
      codes.push(code);
      if (/^(INTERNAL|HOST_KEY_.*)$/.test(code) || !/^(up|[A-Z_]+)$/.test(code))
        t.fail(`${direction} at ${at}: ${code} ${message}`);
    });
    measured(t, 'F19', { flip: direction, places: String(places.length), slowest, ends: tally(codes) });
    t.ok(slowest < 12_000, `${slowest}`);
  }
});

test('F19: a bit that is flipped in the host key is no changed host key: the relay tries again by itself', async (t) => {
  const sshd = await startSshd(t, { config: ['LogLevel DEBUG3'] });
  const echo = await startEcho(t);
  const { sshConfigFile, road } = await startRoads(t, sshd, ['noisy']);
  const at = await hostKeyOffset(sshd.port);
  const off = road.noisy.add({ kind: 'xor', at: at + 30 }, 'down');
  void road.noisy.next().then(async () => {
    // Not before the reply has passed.
    await road.noisy.next();
    off();
  });
  const from = sshd.log().length;
  const relays = await supervise(
    t,
    { sshConfigFile },
    { r: { host: 'noisy', forwards: [`0:127.0.0.1:${echo.port}`] } },
  );
  const failed = await relays.next('a failure', (event) => event.type === 'lane.changed' && 'fault' in event.state);
  t.match(failed, {
    state: {
      at: 'waiting',
      fault: { code: 'HANDSHAKE_FAILED', message: /did not prove the host key that arrived .* try again/ },
    },
  });
  t.notMatch(sshd.log().slice(from), /userauth-request/);
  await relays.reach('r', 'connected');
  t.equal(String(await exchange(relays.port('r'), 'right')), 'right');
});

test('F19: a bit that is flipped in what passes ends the link by name; not one wrong byte is delivered', async (t) => {
  const sshd = await startSshd(t);
  const size = 8_000_000;
  const source = await startSource(t, size);
  const echo = await startEcho(t);
  const { sshConfigFile, road } = await startRoads(t, sshd, ['noisy']);
  const forwards = [`0:127.0.0.1:${source.port}`, `0:127.0.0.1:${echo.port}`];
  const relays = await supervise(t, { sshConfigFile }, { r: { host: 'noisy', forwards } });
  const right = Buffer.concat([...testBytes(size)]);
  for (const at of [100, 40_001, 1_000_003]) {
    await relays.reach('r', 'connected');
    const { id } = relays.supervisor.status();
    const client = await dial(relays.port('r'));
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Else one whose worker is slow may not be open yet as the link is lost.
    if (at > 1_000) await within('its first bytes', once(client, 'data'));
    const off = road.noisy.add({ kind: 'xor', at, mask: 0x10 }, 'down');
    // The next link is to have no part in it.
    void road.noisy.next().then(off);
    const since = clock();
    const end = await within('the end', fate(client));
    const detect = since();
    const got = Buffer.concat(chunks);
    // Before its channel was open it goes to the next link, and gets everything from there.
    t.equal(end, got.length < size ? 'ECONNRESET' : 'end');
    t.ok(at < 1_000 || got.length < size, `cut after ${got.length} bytes`);
    t.ok(got.equals(right.subarray(0, got.length)), `${got.length} bytes, all of them right`);
    const lost = await relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at !== 'up', id);
    t.match(lost, { state: { fault: { code: 'INTEGRITY_FAILED', message: /failed its integrity check/ } } });
    measured(t, 'F19', { at: String(at), detect, delivered: String(got.length) });
  }
  t.equal(String(await exchange(relays.port('r', 1), 'clean again')), 'clean again');
  t.equal(hashOf([await readAll(await dial(relays.port('r', 0)))]), createHash('sha256').update(right).digest('hex'));
});
