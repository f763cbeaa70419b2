import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { BACKEND_COMMAND, type SshContainer, startContainer } from '../fixtures/container.ts';
import { speak } from '../fixtures/mains-client.ts';
import { descendants } from '../fixtures/process-tree.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startDaemon } from './daemon.ts';

/**
 * Every command line of this machine, and every environment of what the test started, looked at each 10 ms until it is called. A container's
 * processes are seen from here too: the backend's own environment is where its token belongs.
 */
function watchProcesses(): () => readonly string[] {
  const seen = new Set<string>();
  const read = (file: string) => {
    try {
      seen.add(readFileSync(file, 'latin1'));
    } catch {
      // It has ended.
    }
  };
  const look = () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) read(`/proc/${pid}/cmdline`);
    for (const { pid } of descendants(process.pid)) read(`/proc/${pid}/environ`);
  };
  const timer = setInterval(look, 10);
  return () => {
    look();
    clearInterval(timer);
    return [...seen];
  };
}

/** Every command line in the container, as its root sees them. */
async function watchThere(container: SshContainer): Promise<() => Promise<string>> {
  const loop =
    'while [ ! -e /tmp/enough ]; do for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null; echo; done; sleep 0.01; done';
  await container.exec(`(${loop}) >/tmp/seen 2>/dev/null & echo begun`);
  return async () => {
    await container.exec('touch /tmp/enough');
    return (await container.exec('sort -u /tmp/seen')).stdout;
  };
}

/** Every file below a folder, but the one that keeps a hand-set token. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .filter((file) => !file.includes('/tokens/'));
}

function body(socketPath: string, path: string, until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path }, (response) => {
      if (until === undefined) return resolve(text(response));
      let heard = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        heard += chunk;
        if (until.test(heard)) {
          resolve(heard);
          call.destroy();
        }
      });
    });
    call.on('error', reject);
    call.end();
  });
}

async function tokenOf(t: Owner): Promise<string> {
  return (await runTowline(t, ['token', 'r', '--print'])).stdout.trim();
}

test('the token stands in nothing that was written, sent or run, on either side', async (t) => {
  const container = await startContainer(t);
  const there = await watchThere(container);
  const here = watchProcesses();
  // A backend that prints its token again and again, where last lines and progress are shown.
  const command = `(while :; do echo "[serve] pairing token: $MAINS_SERVE_TOKEN"; sleep 0.2; done) & exec ${BACKEND_COMMAND} serve --delay=1500 --port={port}`;
  const plugins = [{ use: 'launch', recipe: 'mains', command }];
  const said = [];
  const daemon = await startDaemon(t, container, {
    r: { host: 'test', settle: '1s', forwards: ['0:backend'], plugins },
  });
  said.push((await daemon.reach('r', 'connected', 60_000)).standing.reason);
  const token = await tokenOf(t);
  t.match(token, /^[\w-]{43}$/);
  t.equal(await speak(await daemon.port('r'), token, 'hello'), 'hello');
  t.equal(await speak(await daemon.port('r'), 'not-the-token', 'hello'), 401);

  // The link is lost, the backend dies, a wrong token is set by hand and taken away.
  await container.killSessions();
  await daemon.reach('r', 'connected', 60_000);
  await container.killBackends();
  await waitUntil('another token', async () => ![token, ''].includes(await tokenOf(t)), { timeout: 60_000 });
  await daemon.reach('r', 'connected', 60_000);
  const second = await tokenOf(t);
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
  said.push(await body(socket, '/v1/status'), await body(socket, '/v1/version'));
  said.push(await body(socket, '/v1/events?after=0', /TOKEN_REFUSED[\s\S]*"type":"forward\.judged"/));
  const { stdout, stderr } = await daemon.cli.stop('SIGABRT');
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
  for (const secret of [token, second, wrong]) {
    t.notOk(argumentsHere.includes(secret), 'no argument and no environment of this machine');
    t.notOk(argumentsThere.includes(secret), 'no argument of the host');
    for (const file of files) t.notOk(readFileSync(file, 'latin1').includes(secret), file);
    for (const words of said) t.notOk(words.includes(secret), words.slice(0, 80));
  }
});
