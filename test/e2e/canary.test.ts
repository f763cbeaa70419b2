import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { BACKEND_COMMAND, startContainer } from '../fixtures/container.ts';
import { speak } from '../fixtures/mains-client.ts';
import { filesIn, watchProcesses, watchThere } from './canary-watch.ts';
import { everyBody } from './control-bodies.ts';
import { startDaemon } from './daemon.ts';
import { tokenOf } from './launched.ts';

/** A backend of which towline makes the token prints it again and again, where last lines and progress are shown. */
const made = {
  recipe: 'mains',
  command: `(while :; do echo "[serve] pairing token: $MAINS_SERVE_TOKEN"; sleep 0.2; done) & exec ${BACKEND_COMMAND} serve --delay=1500 --port={port}`,
};

/** One that makes its own, and prints it: a rule finds it there. */
const printed = {
  recipe: {
    prints: 'listening on ws://[^\\s/:]+:(\\d+)',
    token: { from: 'output', pattern: 'pairing token: (\\S+)' },
    door: {
      kind: 'websocket',
      path: '/',
      wire: { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' },
    },
  },
  command: `MAINS_SERVE_TOKEN=$(head -c 32 /dev/urandom | base64 -w 0 | tr '+/' -_ | tr -d =); export MAINS_SERVE_TOKEN; exec ${BACKEND_COMMAND} serve --delay=1500 --port={port}`,
};

/** `down`: the daemon ends because it is asked to; else as in a crash. */
async function flyCanary(t: Test, plugin: object, down: boolean): Promise<void> {
  const container = await startContainer(t);
  const there = await watchThere(container);
  const here = watchProcesses();
  const plugins = [{ use: 'launch', ...plugin }];
  const said: string[] = [];
  const daemon = await startDaemon(t, container, {
    r: { host: 'test', settle: '1s', forwards: ['0:backend'], plugins },
  });
  said.push(String((await daemon.reach('r', 'connected', 60_000)).standing.reason));
  const token = await tokenOf(t);
  const { run } = (await daemon.status('r')).lanes[0]?.backend ?? {};
  t.match(token, /^[\w-]{43}$/);
  t.equal(await speak(await daemon.port('r'), token, 'hello'), 'hello');
  t.equal(await speak(await daemon.port('r'), 'not-the-token', 'hello'), 401);

  // The link is lost, the backend dies, a wrong token is set by hand and taken away.
  await container.killSessions();
  await daemon.reach('r', 'connected', 60_000);
  await container.killBackends();
  await daemon.tells('another run', 'r', ({ standing, lanes }) => {
    const now = lanes[0]?.backend?.run;
    return standing.word === 'connected' && now !== undefined && now !== run;
  });
  const second = await tokenOf(t);
  t.notOk([token, ''].includes(second));
  const wrong = 'wrong-0123456789-wrong-0123456789';
  await runTowline(t, ['token', 'set', 'r'], { input: `${wrong}\n` });
  const refused = await daemon.reach('r', 'blocked', 30_000);
  t.equal(refused.standing.fault?.code, 'TOKEN_REFUSED');
  await runTowline(t, ['token', 'forget', 'r']);
  await daemon.reach('r', 'connected', 60_000);
  for (const args of [
    ['status'],
    ['status', 'r'],
    ['status', '--json'],
    ['logs'],
    ['doctor', 'r'],
    ['backend', 'ps', 'r'],
  ]) {
    const { stdout, stderr } = await runTowline(t, args);
    said.push(stdout, stderr);
  }
  const socket = join(homeOf(t), 'run', 'towline.sock');
  t.ok(existsSync(socket));
  const secrets = [token, second, wrong];
  const told = /TOKEN_REFUSED[\s\S]*"type":"forward\.judged"/;
  said.push(...(await everyBody(socket, { relay: 'r', secrets, events: told, down })));
  const { stdout, stderr } = await (down ? daemon.cli.ended : daemon.cli.stop('SIGABRT'));
  said.push(stdout, stderr);

  const files = filesIn(homeOf(t));
  t.ok(files.length >= 3, files.join(' '));
  const [argumentsHere, argumentsThere] = [here().join('\n'), await there()];
  t.match(argumentsThere, /serve --delay=1500 --port=\d+/, 'the backend was seen');
  const elsewhere = await container.exec(
    'grep -rlF -e "$1" -e "$2" /tmp /var /root /home /etc 2>/dev/null | grep -v "^/home/dev/.local/state/towline/backends/[^/]*/r/\\(token\\|log\\)"',
    { args: [token, second] },
  );
  t.equal(elsewhere.stdout, '', 'no other file of the host has it');
  const modes =
    'stat -c %a /home/dev/.local/state/towline/backends/*/r /home/dev/.local/state/towline/backends/*/r/log.*';
  t.match(
    (await container.exec(modes)).stdout,
    /^700\n(?:600\n)+$/,
    'the log, where a backend may print its own, is private',
  );
  for (const secret of secrets) {
    t.notOk(argumentsHere.includes(secret), 'no argument and no environment of this machine');
    t.notOk(argumentsThere.includes(secret), 'no argument of the host');
    for (const file of files) t.notOk(readFileSync(file, 'latin1').includes(secret), file);
    for (const words of said) t.notOk(words.includes(secret), words.slice(0, 80));
  }
}

test('the token stands in nothing that was written, sent or run, on either side', (t) => flyCanary(t, made, false));

test('a token that the backend itself prints stands in nothing that towline wrote, sent or ran, on either side', (t) =>
  flyCanary(t, printed, true));
