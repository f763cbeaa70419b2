import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import type { Endpoint } from '../../../src/core/model/endpoint.ts';
import type { Fault } from '../../../src/core/model/fault.ts';
import { runProxyCommand } from '../../../src/core/ssh/proxy-command.ts';
import type { Channel, Link } from '../../../src/core/ssh/link/link.ts';
import { startEcho, startSink } from '../../fixtures/backend.ts';
import { hashOf, testBytes } from '../../fixtures/bytes.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { commandOf, processes, processesWith, residentSize, runs, signalAll } from '../../fixtures/process-tree.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

const from = { address: '127.0.0.1', port: 1 };
const tcp = (port: number): Endpoint => ({ kind: 'tcp', host: '127.0.0.1', port });
const nc = (sshd: Pick<Sshd, 'port'>) => `nc 127.0.0.1 ${sshd.port}`;

/** A link through a command; `mine` are the processes that it started. */
async function proxied(t: Owner, sshd: Sshd, command: string, env: Readonly<Record<string, string>> = {}) {
  const mark = `TOWLINE_TEST_PROXY=${makeTemp(t, 'mark')}`;
  const [name = '', value = ''] = mark.split('=');
  const notes: string[] = [];
  const mine = () => processesWith(mark);
  t.teardown(() => signalAll(mine(), 'SIGKILL'));
  const open = (): Promise<Link> =>
    openTestLink(t, sshd, {
      edit: () => ({ proxyCommand: command }),
      env: { ...process.env, [name]: value, ...env },
      notes,
    });
  return { open, mine, notes };
}

async function echoed(link: Link, port: number, text: string): Promise<string> {
  const channel = await link.dial(tcp(port), from);
  const answer = answerOf(channel);
  channel.end(text);
  return answer;
}

async function answerOf(channel: Channel): Promise<string> {
  const chunks: Buffer[] = [];
  channel.on('data', (chunk: Buffer) => chunks.push(chunk));
  await within('the end of the answer', once(channel, 'end'));
  return Buffer.concat(chunks).toString();
}

const loss = (link: Link): Promise<Fault> => within('the loss', new Promise((resolve) => link.onLost(resolve)));

test('a link goes through nc, and through a real ssh -W', async (t) => {
  const [sshd, bastion] = [await startSshd(t), await startSshd(t)];
  const echo = await startEcho(t);
  const through = `ssh -F ${bastion.sshConfigFile} -o BatchMode=yes -W 127.0.0.1:${sshd.port} test`;
  for (const command of [nc(sshd), through]) {
    const { open, mine, notes } = await proxied(t, sshd, command);
    const link = await open();
    const text = 'x'.repeat(3_000_000);
    t.ok((await echoed(link, echo.port, text)) === text, 'three megabytes and back');
    t.same(
      notes.filter((note) => !note.includes(' says: ')),
      [],
      'nothing to warn of',
    );
    const [leader = 0] = mine();
    t.equal(commandOf(leader), command, 'no shell stays between');
    link.close();
    await waitUntil('the end of the command', () => mine().length === 0);
  }
});

test('the command has the session, environment and folder that it should, and no terminal', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'facts');
  const facts = join(dir, 'facts');
  const command = `sh -c 'echo "$$ $GIVEN $PWD" >${facts}; cat /proc/self/stat >>${facts}; exec ${nc(sshd)}'`;
  const { open } = await proxied(t, sshd, command, { GIVEN: 'by the daemon', HOME: dir });
  await open();
  const [words = '', stat = ''] = readFileSync(facts, 'utf8').split('\n');
  const pid = words.split(' ')[0];
  t.match(words, /^\d+ by the daemon /);
  t.ok(words.endsWith(` ${dir}`), 'it starts in the home folder');
  // proc(5): after the name come state, parent, group, session and the number of the terminal
  const [, , group, session, terminal] = stat.replace(/^.*\) /, '').split(' ');
  t.same([group, session, terminal], [pid, pid, '0']);
});

test('it is run by the SHELL of the user', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'shell');
  const shell = join(dir, 'my-shell');
  writeFileSync(shell, `#!/bin/sh\nprintf '%s|' "$@" >${dir}/args\nexec /bin/sh "$@"\n`);
  chmodSync(shell, 0o755);
  const { open } = await proxied(t, sshd, nc(sshd), { SHELL: shell });
  await open();
  t.equal(readFileSync(join(dir, 'args'), 'utf8'), `-c|exec ${nc(sshd)}|`);
});

test('the end of a command before the greeting is named with its last words', async (t) => {
  const sshd = await startSshd(t);
  const rows: readonly (readonly [string, RegExp, Readonly<Record<string, string>>?])[] = [
    [
      "sh -c 'echo one >&2; echo the bastion is closed >&2; exit 7'",
      /ended with exit code 7 \("the bastion is closed"\) before the SSH greeting/,
    ],
    ["sh -c 'seq 100 >&2; echo after a hundred others >&2; exit 2'", /\("after a hundred others"\)/],
    ["sh -c 'printf no-newline >&2; exit 1'", /ended with exit code 1 \("no-newline"\)/],
    ["sh -c 'kill -KILL $$'", /was ended by SIGKILL before/],
    ['true', /ended with exit code 0 before/],
    ["sh -c 'exec >&- 2>&-; sleep 60'", /closed its output before/],
  ];
  for (const [command, message, env] of rows) {
    const { open, mine } = await proxied(t, sshd, command, env);
    await t.rejects(open(), { code: 'PROXY_COMMAND_FAILED', message }, command);
    t.match(
      String(await open().catch((error: Fault) => error.message)),
      /^the ProxyCommand of \w+@127\.0\.0\.1:\d+ .*; run it by hand/,
    );
    await waitUntil('nothing is left of it', () => mine().length === 0);
  }
});

test('a program, or a shell, that is not there or may not be run is missing: another try finds the same', async (t) => {
  const sshd = await startSshd(t);
  const rows: readonly (readonly [string, RegExp, string])[] = [
    ['/no/such/program 1 2', /ended with exit code 127 \(not found\) \(".*\/no\/such\/program/, '/bin/sh'],
    [makeTemp(t, 'folder'), /ended with exit code 126 \(not executable\)/, '/bin/sh'],
    ["sh -c 'no-such-program'", /ended with exit code 127 \(not found\)/, '/bin/sh'],
    [nc(sshd), /cannot be run by "\/no\/such\/shell" \(ENOENT\)/, '/no/such/shell'],
    [nc(sshd), /cannot be run by ".*" \(EACCES\)/, makeTemp(t, 'shell')],
  ];
  for (const [command, message, shell] of rows) {
    const { open, mine } = await proxied(t, sshd, command, { SHELL: shell });
    const fault = await open().then(
      () => null,
      (error: Fault) => error,
    );
    t.match(fault, { code: 'PROXY_COMMAND_MISSING', message }, command);
    t.match(
      fault?.message,
      /^the ProxyCommand of \w+@127\.0\.0\.1:\d+ .*; install the program, or correct it in ssh_config$/,
    );
    await waitUntil('nothing is left of it', () => mine().length === 0);
  }
});

test('a command that brings nothing ends with a deadline that names it', async (t) => {
  const sshd = await startSshd(t);
  const { mine } = await proxied(t, sshd, '');
  const deadlines = { tcp: 200, greeting: 100 };
  const env = { ...process.env, SHELL: '/bin/sh' };
  await t.rejects(openTestLink(t, sshd, { edit: () => ({ proxyCommand: 'sleep 3600' }), deadlines, env }), {
    code: 'GREETING_TIMEOUT',
    message: /the ProxyCommand of .* brought no SSH greeting within 0\.3 s/,
  });
  t.same(mine(), []);
  await waitUntil('no such sleep is left', () => !processes().some(({ pid }) => commandOf(pid) === 'sleep 3600'));
});

test('a command that says HTTP, or dies in the middle of the handshake, is no reason to hurry', async (t) => {
  const sshd = await startSshd(t);
  const { open } = await proxied(t, sshd, "sh -c 'echo HTTP/1.1 403 Forbidden; echo'");
  await t.rejects(open(), { code: 'HANDSHAKE_FAILED', message: /no SSH server: it says "HTTP\/1\.1 403/ });
  const { open: half } = await proxied(t, sshd, "sh -c 'echo SSH-2.0-x; exit 3'");
  await t.rejects(half(), {
    code: 'SERVER_BUSY',
    message: /during the key exchange: the ProxyCommand of .* ended with exit code 3/,
  });
});

test('a command that dies under a link ends it by name, with what it said', async (t) => {
  const sshd = await startSshd(t);
  const { open, mine } = await proxied(t, sshd, `sh -c '${nc(sshd)}; echo the tunnel fell in >&2; exit 9'`);
  const link = await open();
  const lost = loss(link);
  signalAll(
    mine().filter((pid) => commandOf(pid).startsWith('nc ')),
    'SIGKILL',
  );
  t.match(await lost, {
    code: 'LINK_LOST',
    message: /was lost \(the ProxyCommand of .* ended with exit code 9 \("the tunnel fell in"\)\)/,
  });
  await waitUntil('nothing is left of it', () => mine().length === 0);
});

test('a command that hangs is found by the keepalive, and ended though it ignores what can be ignored', async (t) => {
  const sshd = await startSshd(t);
  const { mine } = await proxied(t, sshd, '');
  const env = { ...process.env, TOWLINE_TEST_PROXY_HANG: String(process.pid) };
  const hung = () => processesWith(`TOWLINE_TEST_PROXY_HANG=${process.pid}`);
  t.teardown(() => signalAll(hung(), 'SIGKILL'));
  const link = await openTestLink(t, sshd, {
    edit: () => ({ proxyCommand: `sh -c 'trap "" HUP TERM; ${nc(sshd)}; sleep 60'` }),
    env,
    keepalive: { interval: 200, count: 1 },
  });
  const lost = loss(link);
  signalAll(
    hung().filter((pid) => commandOf(pid).startsWith('nc ')),
    'SIGSTOP',
  );
  t.match(await lost, { code: 'LINK_SILENT' });
  await waitUntil('nothing is left of it', () => hung().length === 0);
  t.same(mine(), []);
});

test('nothing is left of a command when its process is killed, or exits', async (t) => {
  const sshd = await startSshd(t);
  const main = fileURLToPath(new URL('../../fixtures/proxied-main.js', import.meta.url));
  for (const [signal, command] of [
    // The pipes end with their process: a command that reads them ends too.
    ['SIGKILL', nc(sshd)],
    // One that does not care for its pipes any more is ended by an exit.
    ['SIGUSR2', `sh -c 'trap "" HUP TERM; ${nc(sshd)}; sleep 60'`],
  ] as const) {
    const { mine } = await proxied(t, sshd, '');
    const mark = `TOWLINE_TEST_WORKER=${process.pid}-${signal}`;
    const [name = '', value = ''] = mark.split('=');
    const child = spawn(process.execPath, [main, sshd.sshConfigFile, command], {
      env: { ...process.env, [name]: value },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => signalAll(processesWith(mark), 'SIGKILL'));
    await within('the link', once(child.stdout, 'data'));
    const started = processesWith(mark).filter((pid) => pid !== child.pid);
    t.ok(started.length > 0, 'it runs');
    child.kill(signal);
    await once(child, 'exit');
    await waitUntil(`${signal}: nothing is left of it`, () => !started.some(runs));
    t.same(mine(), []);
  }
});

test('what a command writes to stderr is in the notes, escaped, few lines a second, and fills no memory', async (t) => {
  const sshd = await startSshd(t);
  const flood = `head -c 400000000 /dev/zero | tr '\\0' x >&2`;
  const lines = 'yes "a line" | head -n 200000 >&2';
  const { open, notes } = await proxied(
    t,
    sshd,
    `sh -c '${flood}; printf "\\n\\033[31mred\\n" >&2; ${lines}; exec ${nc(sshd)}'`.replaceAll(
      "tr '\\0' x",
      'tr "\\\\0" x',
    ),
  );
  const before = residentSize(process.pid);
  await open();
  const grown = (residentSize(process.pid) - before) / 1024 / 1024;
  t.comment(`400 MB without a newline and 200,000 lines: ${grown.toFixed(0)} MiB`);
  t.ok(grown < 100, `${grown.toFixed(0)} MiB`);
  t.ok(
    notes.some((note) => /says: x{500,}\.\.\.$/.test(note)),
    'the line without an end is cut',
  );
  t.ok(
    notes.some((note) => /says: \\x1b\[31mred$/.test(note)),
    'escapes are shown, not obeyed',
  );
  t.ok(notes.length < 200, `${notes.length} notes`);
});

test('a command takes no more than it passes on, and nothing is lost when it goes on', async (t) => {
  const sshd = await startSshd(t);
  const sink = await startSink(t);
  const { open, mine } = await proxied(t, sshd, nc(sshd));
  const link = await open();
  const channel = await link.dial(tcp(sink.port), from);
  t.teardown(() => sshd.resume());
  sshd.pause();
  const sent: Buffer[] = [];
  for (const chunk of testBytes(64 * 1024 * 1024)) {
    if (link.outlet.room <= 0) break;
    sent.push(chunk);
    channel.write(chunk);
  }
  t.ok(sent.length < 128, `${sent.length} chunks of 64 KiB`);
  sshd.resume();
  await within('room again', new Promise<void>((resolve) => link.outlet.onceRoom(resolve)));
  channel.end();
  t.equal(await answerOf(channel), hashOf(sent));
  t.ok(mine().length > 0);
});

test('the first jump host may have a command of its own', async (t) => {
  const [jump, target] = [await startSshd(t), await startSshd(t)];
  const echo = await startEcho(t);
  const own = readFileSync(target.sshConfigFile, 'utf8').replace('Host test', 'Host inner');
  writeFileSync(jump.sshConfigFile, `${readFileSync(jump.sshConfigFile, 'utf8')}${own}  ProxyJump test\n`);
  const edit = (index: number) => (index === 0 ? { proxyCommand: nc(jump) } : {});
  const link = await openTestLink(t, jump, { host: 'inner', edit });
  t.equal(await echoed(link, echo.port, 'two ways'), 'two ways');
  await t.rejects(
    openTestLink(t, jump, { host: 'inner', edit: (index) => (index === 0 ? { proxyCommand: 'false' } : {}) }),
    { code: 'PROXY_COMMAND_FAILED', message: /^the ProxyCommand of hop 1 \(.*\) ended with exit code 1 before/ },
  );
  t.notOk(existsSync(join(jump.dir, 'never')));
});

test('who reads on after a pause gets the last bytes of a command that has died, and then its end', async (t) => {
  // Together more than a stream takes before it stops reading, 16 KiB; each part is one that it takes whole.
  const parts = [16_000, 1_000];
  const command = `sh -c "${parts.map((size) => `head -c ${size} /dev/zero; read go`).join('; ')}; printf bye >&2; exit 3"`;
  const notes = new EventEmitter();
  const died = once(notes, 'note');
  const stream = runProxyCommand({ command, where: 'me@box:22', env: {}, onNote: () => notes.emit('note') });
  const failed = once(stream, 'error');
  let [waiting, received] = [0, 0];
  stream.pause();
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  for (const size of parts) {
    waiting += size;
    await waitUntil('all its bytes wait', () => stream.readableLength === waiting);
    stream.write('go\n');
  }
  await within('the last words, told once it is over', died);
  stream.resume();
  const error: unknown = await within('the end', failed).catch((reason: unknown) => reason);
  t.match(String(error), /ended with exit code 3/);
  t.equal(received, waiting);
});
