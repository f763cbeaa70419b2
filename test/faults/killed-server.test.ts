import { once } from 'node:events';
import type { Socket } from 'node:net';
import tap, { test } from 'tap';
import { createNarrator } from '../../src/control/narrator.ts';
import type { Event } from '../../src/core/model/event.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial, exchange, fate } from '../fixtures/client.ts';
import { signalAll } from '../fixtures/process-tree.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { type Supervised, supervise } from '../fixtures/supervised.ts';
import type { Owner } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

// Each has its own sshd and waits most of its time.
tap.jobs = 4;

interface Scene {
  readonly sshd: Sshd;
  readonly relays: Supervised;
  readonly port: number;
}

async function scene(t: Owner, over: object = {}, config: readonly string[] = []): Promise<Scene> {
  const sshd = await startSshd(t, { config });
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '30s' }, ...over },
  });
  await relays.reach('r', 'connected');
  return { sshd, relays, port: relays.port('r') };
}

async function talking(port: number): Promise<Socket> {
  const socket = await dial(port);
  socket.write('x');
  await once(socket, 'data');
  return socket;
}

/** What the log has of these events behind number `after`, without what only `--verbose` writes. */
function linesOf(events: readonly Event[], after: number): string[] {
  const narrate = createNarrator();
  return events.flatMap((event) => {
    const line = narrate(event);
    return line === null || line.level === 'debug' || event.id <= after ? [] : [line.text];
  });
}

const waits = (event: Event) => event.type === 'lane.changed' && event.state.at === 'waiting';
const leftUp = (event: Event) => event.type === 'lane.changed' && event.state.at !== 'up';
const linked = (event: Event) => event.type === 'link.opened';

for (const [row, name, signal] of [
  ['F01', 'killed', 'SIGKILL'],
  ['F02', 'ended politely', 'SIGTERM'],
] as const) {
  test(`${row}: a session that is ${name} resets what is open at once, and who comes is served by a new link`, {
    buffered: true,
  }, async (t) => {
    const { sshd, relays, port } = await scene(t);
    const open = await Promise.all([talking(port), talking(port), talking(port)]);
    const fates = open.map(fate);
    const { id } = relays.supervisor.status();
    const lost = relays.next('the loss', leftUp, id);
    const again = relays.next('a new link', linked, id);
    const since = clock();
    sshd.killSessions(signal);
    await lost;
    const detect = since();
    t.same(await within('the cuts', Promise.all(fates)), ['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    t.equal(String(await exchange(port, 'held')), 'held');
    const serve = since();
    await again;
    measured(t, row, { detect, serve });
    t.ok(detect < 500, `noticed after ${detect} ms`);
    // Beside other tests; what it takes on a calm machine is held in prompt.quiet.test.ts.
    t.ok(serve < 2_500, `served after ${serve} ms`);
    const changes = relays.events.filter((event) => event.id > id && event.type === 'lane.changed');
    t.ok(changes.length <= 3, `one event for each change: ${JSON.stringify(changes)}`);
    t.match(relays.status('r').lastFault, {
      code: 'LINK_LOST',
      message: /^the link to .*127\.0\.0\.1.* was lost \(closed by peer\); 3 open connections reset; reconnecting$/,
    });
    t.match(await relays.reach('r', 'connected'), { standing: { fault: null } });
  });
}

test('F03: a session that hangs is silent within its keepalive, is said so, and a new link serves', {
  buffered: true,
}, async (t) => {
  const { sshd, relays, port } = await scene(t, { keepalive: { interval: '1s', count: 2 } });
  const open = await talking(port);
  const cut = fate(open);
  const { id } = relays.supervisor.status();
  const doubted = relays.next('the doubt', (event) => event.type === 'link.doubted', id);
  const since = clock();
  const stopped = sshd.freezeSessions();
  t.teardown(() => signalAll(stopped, 'SIGCONT'));
  t.match(await doubted, { fault: { code: 'LINK_SILENT', message: /nothing was heard from .* for 2 s/ } });
  const detect = since();
  t.equal(String(await exchange(port, 'again')), 'again');
  const serve = since();
  // Who was there is on the old link, until that counts as dead.
  t.equal(await within('the cut', cut), 'ECONNRESET');
  measured(t, 'F03', { keepalive: '1sx2', detect, serve, cut: since() });
  t.ok(detect > 1_200 && detect < 3_500, `${detect}`);
  t.same(
    relays.events.filter((event) => event.id > id && leftUp(event)),
    [],
  );
});

test('F04: a listener that hangs harms no link that is up, and a new one says that no greeting came', {
  buffered: true,
}, async (t) => {
  const { sshd, relays, port } = await scene(t);
  signalAll([sshd.pid], 'SIGSTOP');
  t.teardown(() => signalAll([sshd.pid], 'SIGCONT'));
  const echo = await startEcho(t);
  const other = await supervise(t, sshd, {
    other: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], hold: { time: '30s' } },
  });
  const dialing = await other.next(
    'the dial',
    (event) => event.type === 'lane.changed' && event.state.at === 'dialing',
  );
  const waiting = await other.next('a wait', (event) => event.type === 'lane.changed' && event.state.at === 'waiting');
  const detect = waiting.at - dialing.at;
  t.match(waiting, { state: { fault: { code: 'GREETING_TIMEOUT', message: /no SSH greeting.* within 5 s/ } } });
  t.equal(String(await exchange(port, 'the old link')), 'the old link');
  t.equal(relays.events.filter(linked).length, 1);
  const held = exchange(other.port('other'), 'patient', 30_000);
  signalAll([sshd.pid], 'SIGCONT');
  const back = clock();
  t.equal(String(await held), 'patient');
  measured(t, 'F04', { detect, recover: back() });
  t.ok(detect > 4_900 && detect < 7_500, `${detect}`);
  t.ok(back() < 6_500, `${back()}`);
});

for (const outage of [5, 30]) {
  test(`F05: sshd that is down for ${outage} s is back within 2 s of its return, and asked no less calmly meanwhile`, {
    buffered: true,
    timeout: 90_000,
  }, async (t) => {
    const { sshd, relays, port } = await scene(t);
    const { id } = relays.supervisor.status();
    await sshd.stop();
    await relays.reach('r', 'reconnecting');
    await new Promise((resolve) => setTimeout(resolve, outage * 1_000)); // the outage itself
    const tries = relays.events.filter((event) => event.id > id && waits(event)).length;
    const lines = linesOf(relays.events, id);
    const again = relays.next('a new link', linked, id);
    await sshd.start();
    const since = clock();
    await again;
    const recover = since();
    measured(t, 'F05', { outage: `${outage}s`, recover, tries: String(tries), lines: String(lines.length) });
    t.ok(recover < 2_200, `${recover}`);
    // After 0, 0.25, 0.5, 1, 1.5 s, then each 1.5 s, a fifth sooner at most.
    t.ok(tries <= 5 + outage / 1.2, `${tries} tries`);
    // The loss, the first three failures, then each that doubles their number: a line for each try would be as many as tries.
    t.ok(lines.length <= 3 + Math.log2(tries), lines.join('\n'));
    t.equal(String(await exchange(port, 'back')), 'back');
  });
}

test('F06: a reload of sshd drops nothing', { buffered: true }, async (t) => {
  const { sshd, relays, port } = await scene(t);
  const open = await talking(port);
  const { id } = relays.supervisor.status();
  await sshd.reload();
  const answer = once(open, 'data');
  open.write('still here');
  t.equal(String((await within('an answer', answer))[0]), 'still here');
  t.equal(String(await exchange(port, 'a new one')), 'a new one');
  t.same(
    relays.events.filter((event) => event.id > id && leftUp(event)),
    [],
  );
  measured(t, 'F06', { lost: '0' });
});
