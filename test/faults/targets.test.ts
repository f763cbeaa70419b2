import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tap, { test } from 'tap';
import { keep, startEcho, startTcp } from '../fixtures/backend.ts';
import { dial, exchange, fate } from '../fixtures/client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil, within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

// Each has its own sshd and waits most of its time.
tap.jobs = 3;

test('F65: a stream over which nothing passes for many keepalives is not cut', { buffered: true }, async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, {
    r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], keepalive: { interval: '1s', count: 2 } },
  });
  await relays.reach('r', 'connected');
  const { id } = relays.supervisor.status();
  const socket = await dial(relays.port('r'));
  socket.write('a');
  await once(socket, 'data');
  const cut = fate(socket).then((how) => t.fail(`cut: ${how}`));
  await new Promise((resolve) => setTimeout(resolve, 12_000)); // the silence is the fault
  const answer = once(socket, 'data');
  socket.write('b');
  t.equal(String((await within('an answer', answer))[0]), 'b');
  t.same(
    relays.events.filter((event) => event.id > id && event.type === 'lane.changed' && event.state.at !== 'up'),
    [],
  );
  measured(t, 'F65', { silent: '12s', keepalive: '1sx2', lost: '0' });
  void cut;
  socket.removeAllListeners();
  socket.on('error', () => undefined).destroy();
});

test('F66: of 200 clients that come in an outage of 3 s not one fails', { buffered: true }, async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const lost = relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at !== 'up');
  await sshd.stop();
  sshd.killSessions('SIGKILL');
  await lost;
  const outage = 3_000;
  const whole = clock();
  const waits: number[] = [];
  const answers: Promise<string>[] = [];
  for (let n = 0; n < 200; n += 1) {
    // Spread over the outage: the last one comes as it ends.
    await sleep((n * outage) / 199 - whole());
    const one = clock();
    answers.push(
      exchange(relays.port('r'), `client ${n}`).then(
        (answer) => {
          waits.push(one());
          return String(answer);
        },
        (error: unknown) => String(error),
      ),
    );
  }
  await waitUntil('all are held', () => relays.status('r').counters.held === 200);
  const lasted = whole();
  await sshd.start();
  const back = clock();
  const got = await Promise.all(answers);
  const recover = back();
  const failed = got.filter((answer, n) => answer !== `client ${n}`);
  t.same(failed, []);
  t.ok(lasted >= outage, `${lasted} ms without a server`);
  t.match(relays.status('r').counters, { refused: 0, held: 0 });
  measured(t, 'F66', {
    outage: lasted,
    clients: '200',
    failed: String(failed.length),
    longest: Math.max(...waits),
    recover,
  });
  t.ok(recover < 6_000, `${recover}`);
});

test('F67: an upload that is under way when the link is lost fails for curl, and never is a success', {
  buffered: true,
}, async (t) => {
  const sshd = await startSshd(t);
  let got = 0;
  const web = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      got += chunk.length;
      // A slow reader: the file is not through before the link is cut.
      request.pause();
      setTimeout(() => request.resume(), 5);
    });
    request.on('error', () => undefined);
    request.on('end', () => response.end('whole'));
  });
  const backend = await keep(t, web, 0);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`] } });
  await relays.reach('r', 'connected');
  const file = join(makeTemp(t, 'upload'), 'file');
  writeFileSync(file, Buffer.alloc(64 * 1024 * 1024, 'towline'));
  const url = `http://127.0.0.1:${relays.port('r')}/`;
  const curl = spawn('curl', ['-sS', '-f', '-T', file, url], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => curl.kill('SIGKILL'));
  let said = '';
  for (const stream of [curl.stdout, curl.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  const ended = once(curl, 'close');
  await waitUntil('a megabyte has arrived', () => got > 1024 * 1024);
  const since = clock();
  sshd.killSessions('SIGKILL');
  const [code] = await within('the end of curl', ended);
  t.not(code, 0, said);
  t.notMatch(said, /whole/);
  t.ok(got < 64 * 1024 * 1024, `${got} bytes`);
  measured(t, 'F67', { detect: since(), exit: String(code) });
});

test('F65: a target that sends one byte now and then, and one that resets, are passed on as they are', {
  buffered: true,
}, async (t) => {
  const sshd = await startSshd(t);
  const drip = await startTcp(t, 0, (socket) => {
    socket.resume();
    const timer = setInterval(() => socket.write('.'), 1_500);
    socket.once('close', () => clearInterval(timer));
  });
  const rude = await startTcp(t, 0, (socket) => void socket.once('data', () => socket.resetAndDestroy()));
  const relays = await supervise(t, sshd, {
    r: {
      host: 'test',
      forwards: [`0:127.0.0.1:${drip.port}`, `0:127.0.0.1:${rude.port}`],
      keepalive: { interval: '1s', count: 2 },
    },
  });
  await relays.reach('r', 'connected');
  const dripped = await dial(relays.port('r', 0));
  t.teardown(() => dripped.destroy());
  for (let n = 0; n < 4; n += 1) t.equal(String((await within('a byte', once(dripped, 'data')))[0]), '.');
  const cut = await dial(relays.port('r', 1));
  const how = fate(cut);
  cut.write('x');
  // sshd tells of a reset as of an end (channels.c): more than that cannot be known here.
  t.match(await within('the end', how), /^(end|ECONNRESET)$/);
  t.match(relays.status('r').standing, { word: 'connected', fault: null });
});
