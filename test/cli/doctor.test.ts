import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { listenFindings } from '../../src/cli/listen-findings.ts';
import type { RelayConfig } from '../../src/core/model/config.ts';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { startHttp, startWebSocket } from '../fixtures/backend-web.ts';
import { startEcho } from '../fixtures/backend.ts';
import { type CliOptions, homeOf, runTowline } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { startRogue } from '../fixtures/rogue-server.ts';
import { startSshAgent } from '../fixtures/ssh-agent.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

interface Found {
  readonly step: string;
  readonly where: string;
  readonly state: 'well' | 'wait' | 'mind' | 'wrong';
  readonly text: string;
  readonly fix: string | null;
  readonly fault: { readonly code: string } | null;
}

/** What doctor finds, and its exit code. */
async function examine(t: Test, words: readonly string[], options: CliOptions = {}) {
  const { code, stdout, stderr } = await runTowline(t, ['doctor', '--json', ...words], options);
  const found: readonly { readonly subject: string; readonly findings: readonly Found[] }[] =
    stdout === '' ? [] : JSON.parse(stdout);
  const findings = found.flatMap((one) => one.findings);
  const steps = findings.filter(({ state }) => state === 'well').map(({ step }) => step);
  const bad = findings.filter(({ state }) => state === 'wrong');
  return { code, stderr, subjects: found.map(({ subject }) => subject), findings, steps, bad };
}

function writeConfig(t: Test, sshd: Sshd, forwards: readonly unknown[]): void {
  const config = { sshConfig: sshd.sshConfigFile, relays: { dev: { host: 'test', forwards } } };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
}

test('doctor goes the whole way and finds all well', async (t) => {
  const [sshd, backend] = [await startSshd(t), await startEcho(t)];
  writeConfig(t, sshd, [`0:127.0.0.1:${backend.port}`]);
  const { code, steps, subjects, findings } = await examine(t, []);
  t.equal(code, 0);
  t.strictSame(subjects, ['dev']);
  const way = ['ssh_config', 'reached', 'greeting', 'algorithms', 'host key', 'identities', 'login', 'machine'];
  t.strictSame(steps, [...way, 'round trip', 'target']);
  const text = (step: string) => findings.find((one) => one.step === step)?.text ?? '';
  t.match(text('ssh_config'), `test is ${sshd.user}@127.0.0.1:${sshd.port}`);
  t.match(text('reached'), `over TCP at 127.0.0.1:${sshd.port}`);
  t.match(text('greeting'), /^SSH-2\.0-OpenSSH/);
  t.match(text('algorithms'), /strict key exchange/);
  t.match(text('host key'), `${sshd.hostKeyFingerprint} is known`);
  t.match(text('identities'), /^accepted: ssh-ed25519 SHA256:.*\/id\)$/);
  t.match(text('round trip'), /a dead link is noticed after 20 s/);
});

test('for people: a line a step, what is wrong with its code, and a last word', async (t) => {
  const sshd = await startSshd(t);
  const port = await freePort();
  writeConfig(t, sshd, [`0:127.0.0.1:${port}`]);
  const { code, stdout, stderr } = await runTowline(t, ['doctor', 'dev']);
  t.equal(code, 69);
  t.equal(stderr, '');
  t.match(stdout, /^dev\n {2}ok {5}ssh_config {2}test is /);
  t.match(stdout, /\n {2}wrong {2}target {6}.* cannot reach 127\.0\.0\.1:\d+: Connection refused/);
  t.match(
    stdout.replace(/\s+/g, ' '),
    /\[TARGET_REFUSED\] -> on test `ss -ltn` shows what listens; start the backend there/,
  );
  t.match(stdout, /\n1 thing is wrong\n$/);
});

test('a host that is no relay is examined alone, by the config or without one', async (t) => {
  const sshd = await startSshd(t);
  const alone = await examine(t, ['test', '-F', sshd.sshConfigFile]);
  t.equal(alone.code, 0);
  t.equal(alone.steps.at(-1), 'forwarding');
  writeConfig(t, sshd, ['0:127.0.0.1:1']);
  const { subjects, steps } = await examine(t, [`${sshd.user}@test`]);
  t.strictSame([subjects, steps.at(-1)], [[`${sshd.user}@test`], 'forwarding']);
  const nothing = await runTowline(t, ['doctor'], { cwd: makeTemp(t) });
  t.match(nothing, { code: 78, stderr: /CONFIG_MISSING/ });
});

/** Something that is wrong, and how doctor names it: the steps before it are well. */
interface Trouble {
  readonly sshd?: readonly string[];
  readonly client?: (sshd: Sshd, t: Test) => string | Promise<string>;
  readonly before?: (sshd: Sshd, t: Test) => unknown;
  readonly step: string;
  readonly code: string;
  readonly exit: number;
  readonly text: RegExp;
}

const troubles: Readonly<Record<string, Trouble>> = {
  'a line that ssh would refuse': {
    client: () => 'Prot 22',
    step: 'ssh_config',
    code: 'SSH_CONFIG_INVALID',
    exit: 78,
    text: /"prot" is no keyword of ssh/,
  },
  'a name that does not resolve': {
    client: () => 'HostName no-such-host.invalid',
    step: 'reached',
    code: 'NAME_NOT_FOUND',
    exit: 68,
    text: /does not resolve/,
  },
  'a port where nothing listens': {
    client: async () => `Port ${await freePort()}`,
    step: 'reached',
    code: 'CONNECT_REFUSED',
    exit: 69,
    text: /nothing listens|refused/,
  },
  'a web server in the place of sshd': {
    client: async (_sshd, t) => `Port ${(await startHttp(t)).port}`,
    step: 'greeting',
    code: 'HANDSHAKE_FAILED',
    exit: 76,
    text: /is no SSH server/,
  },
  'a server with outdated algorithms only': {
    sshd: ['KexAlgorithms diffie-hellman-group14-sha1'],
    step: 'algorithms',
    code: 'ALGORITHM_MISMATCH',
    exit: 76,
    text: /KexAlgorithms \+diffie-hellman-group14-sha1/,
  },
  'a host key that nobody knows': {
    client: () => 'UserKnownHostsFile /dev/null',
    step: 'host key',
    code: 'HOST_KEY_UNKNOWN',
    exit: 76,
    text: /is in no known_hosts file/,
  },
  'a host key that changed': {
    before: (sshd) => sshd.swapHostKey(),
    step: 'host key',
    code: 'HOST_KEY_CHANGED',
    exit: 76,
    text: /ssh-keygen -R/,
  },
  'a key that the server does not know': {
    before: (sshd) => sshd.revokeKeys(),
    sshd: ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
    step: 'login',
    code: 'AUTH_REJECTED',
    exit: 77,
    text: /rejected/,
  },
  'a password that nobody is there to give': {
    client: () => 'PubkeyAuthentication no',
    sshd: ['PasswordAuthentication yes'],
    step: 'login',
    code: 'NEEDS_ANSWER',
    exit: 77,
    text: /run this on a terminal/,
  },
  'a server that forwards nothing': {
    sshd: ['AllowTcpForwarding no'],
    step: 'forwarding',
    code: 'FORWARDING_REFUSED',
    exit: 77,
    text: /AllowTcpForwarding/,
  },
  'a ProxyCommand that ends': {
    client: () => 'ProxyCommand sh -c "echo no way >&2; exit 3"',
    step: 'greeting',
    code: 'PROXY_COMMAND_FAILED',
    exit: 69,
    text: /exit code 3.*no way/,
  },
};

for (const [name, trouble] of Object.entries(troubles)) {
  test(`doctor names ${name}`, async (t) => {
    const sshd = await startSshd(t, { config: trouble.sshd ?? [] });
    await trouble.before?.(sshd, t);
    const file = join(sshd.dir, 'doctor_config');
    const line = (await trouble.client?.(sshd, t)) ?? '';
    writeFileSync(file, `${line}\nInclude ${sshd.sshConfigFile}\n`, { mode: 0o600 });
    const { code, bad, stderr } = await examine(t, ['test', '-F', file]);
    t.equal(stderr, '');
    t.equal(bad.length, 1, 'one thing is wrong');
    t.match(bad[0], { step: trouble.step, fault: { code: trouble.code }, text: trouble.text });
    t.equal(code, trouble.exit);
  });
}

test('a port that another program has here is found, and one that the daemon has is well', async (t) => {
  const [sshd, backend] = [await startSshd(t), await startEcho(t)];
  writeConfig(t, sshd, [`${backend.port}:127.0.0.1:${backend.port}`]);
  const { code, bad } = await examine(t, ['dev']);
  t.match(bad, [{ step: 'listen', where: `127.0.0.1:${backend.port}`, fault: { code: 'LISTEN_TAKEN' } }]);
  t.equal(code, 73);
  writeConfig(t, sshd, [`${await freePort()}:127.0.0.1:${backend.port}`]);
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0);
  const served = await examine(t, ['dev']);
  t.equal(served.code, 0);
  t.strictSame(served.steps.slice(-2), ['listen', 'daemon']);
});

test('what nobody answers here is no fault where the daemon has the answer, and is one before that', async (t) => {
  const server = await startRogue(t, {
    login: (context) => {
      if (context.method === 'password') context.accept();
      else context.reject(['password']);
    },
  });
  const relays = { dev: { host: 'test', forwards: ['0:127.0.0.1:9'] } };
  const config = { sshConfig: server.sshConfigFile, relays };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0);
  const before = await examine(t, ['dev']);
  t.equal(before.code, 77);
  t.match(before.bad, [{ step: 'login', fault: { code: 'NEEDS_ANSWER' } }]);
  t.equal((await runTowline(t, ['unlock', 'dev'], { input: 'horse\n' })).code, 0);
  const after = await examine(t, ['dev']);
  t.equal(after.code, 0);
  t.strictSame(after.bad, []);
  t.match(after.findings.filter(({ step, state }) => step === 'login' && state === 'mind').at(-1), {
    text: /asks for a password; the login waits for it only here: the daemon has the answer, and its link is up$/,
    fault: null,
  });
});

test('a key without its passphrase is not called one that the server refused', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t), 'locked'), 'ed25519', 'open sesame');
  sshd.allowKey(pair.publicKey);
  const file = join(sshd.dir, 'doctor_config');
  writeFileSync(file, `Host test\n  IdentityFile ${pair.file}\nInclude ${sshd.sshConfigFile}\n`, { mode: 0o600 });
  const { code, findings, bad } = await examine(t, ['test', '-F', file]);
  t.equal(code, 77);
  t.match(bad, [{ step: 'login', fault: { code: 'NEEDS_ANSWER' }, text: /load the key into ssh-agent/ }]);
  const shown = findings.filter(({ step }) => step === 'identities').map(({ text }) => text);
  t.match(shown, [/^the server may take it, but it could not be used: ssh-ed25519 SHA256:/]);
});

test('a hop that cannot be reached from the one before, and the words of a ProxyCommand, belong to reaching', async (t) => {
  const [sshd, port] = [await startSshd(t), await freePort()];
  const file = join(sshd.dir, 'doctor_config');
  writeFileSync(
    file,
    `Host far\n  ProxyJump test\n  HostName 127.0.0.1\n  Port ${port}\nHost by\n  ProxyCommand sh -c "echo hm >&2; exit 3"\nHost *\nInclude ${sshd.sshConfigFile}\n`,
    { mode: 0o600 },
  );
  t.match((await examine(t, ['far', '-F', file])).bad, [{ step: 'reached', fault: { code: 'CONNECT_REFUSED' } }]);
  const { findings } = await examine(t, ['by', '-F', file]);
  t.match(
    findings.filter(({ state }) => state === 'mind'),
    [{ step: 'reached', text: /says: hm$/ }],
  );
  t.match(
    findings.filter(({ step, state }) => step === 'reached' && state === 'well'),
    [{ text: /^reached by its ProxyCommand in \d+ ms: sh$/ }],
  );
});

test('an agent with many keys: each that was shown is named, with the lines that would spare them', async (t) => {
  const [sshd, agent] = [await startSshd(t), await startSshAgent(t)];
  for (let n = 0; n < 5; n++) agent.add(makeKeyPair(join(makeTemp(t), `k${n}`)).file);
  const file = join(sshd.dir, 'doctor_config');
  writeFileSync(
    file,
    `Host test\n  IdentitiesOnly no\n  IdentityAgent ${agent.socket}\nInclude ${sshd.sshConfigFile}\n`,
    { mode: 0o600 },
  );
  const { code, findings } = await examine(t, ['test', '-F', file]);
  t.equal(code, 0);
  const shown = findings.filter(({ text }) => text.startsWith('shown, not accepted: ssh-ed25519 SHA256:'));
  t.equal(shown.length, 5);
  t.ok(findings.some(({ fix }) => fix?.includes('IdentitiesOnly yes')));
  t.match(
    findings.find(({ text }) => text.startsWith('accepted')),
    { step: 'identities', state: 'well' },
  );
});

test('keys that cannot be used are named with what to do', async (t) => {
  const sshd = await startSshd(t);
  const open = makeKeyPair(join(makeTemp(t), 'open')).file;
  const file = join(sshd.dir, 'doctor_config');
  chmodSync(open, 0o644);
  writeFileSync(file, `IdentityFile ${open}\nIdentityFile ${open}.gone\nInclude ${sshd.sshConfigFile}\n`, {
    mode: 0o600,
  });
  const { code, findings } = await examine(t, ['test', '-F', file]);
  t.equal(code, 0, 'the third one is well');
  t.ok(findings.some(({ state, text }) => state === 'mind' && /readable by others \(0644\).*chmod 600/.test(text)));
  t.ok(findings.some(({ state, text }) => state === 'mind' && text.includes(`${open}.gone does not exist`)));
});

test('a websocket backend is asked as the health check would', async (t) => {
  const sshd = await startSshd(t);
  const [open, closed] = [await startWebSocket(t), await startWebSocket(t, { token: 'secret' })];
  const health = { kind: 'websocket', path: '/' };
  const forward = (port: number) => ({ listen: '127.0.0.1:0', target: `127.0.0.1:${port}`, health });
  writeConfig(t, sshd, [forward(open.port), forward(closed.port)]);
  const { code, steps, bad } = await examine(t, ['dev']);
  t.equal(steps.filter((step) => step === 'backend').length, 1);
  t.match(bad, [{ step: 'backend', fault: { code: 'TOKEN_MISSING' } }]);
  t.equal(code, 77);
});

test('agent programs on the host are asked whether somebody is logged in', async (t) => {
  const sshd = await startSshd(t);
  const bin = makeTemp(t, 'bin');
  const program = (name: string, script: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program('claude', `echo 'Warning: x'; echo '{"loggedIn": false}'; exit 1`);
  program('codex', 'echo "Logged in using ChatGPT"');
  program('cursor-agent', 'echo "Error: no network"; exit 4');
  writeFileSync(join(sshd.home, '.profile'), `PATH=${bin}:$PATH\n`);
  writeFileSync(join(sshd.home, '.bash_profile'), `PATH=${bin}:$PATH\n`);
  const { code, findings } = await examine(t, ['test', '-F', sshd.sshConfigFile]);
  t.equal(code, 0, 'it is advice, not a fault');
  const agents = findings.filter(({ step }) => step === 'agents');
  t.match(agents, [
    { where: 'claude', state: 'mind', text: /nobody is logged in/, fix: /claude auth login/ },
    { where: 'codex', state: 'well' },
    {
      where: 'cursor-agent',
      state: 'mind',
      text: /could not tell whether somebody is logged in \(exit code 4: Error: no network\)/,
      fix: 'run `cursor-agent status` there',
    },
  ]);
});

test('on a terminal doctor asks for what the login wants to know', async (t) => {
  const sshd = await startSshd(t);
  const pair = makeKeyPair(join(makeTemp(t), 'locked'), 'ed25519', 'open sesame');
  sshd.allowKey(pair.publicKey);
  const file = join(sshd.dir, 'doctor_config');
  writeFileSync(file, `Host test\n  IdentityFile ${pair.file}\nInclude ${sshd.sshConfigFile}\n`, { mode: 0o600 });
  const session = startOnTerminal(t, ['doctor', 'test', '-F', file]);
  await session.answer(/passphrase/i, 'open sesame\r');
  t.equal(await session.ended, 0);
  t.match(session.shown(), /logged in by key/);
  t.notMatch(session.shown(), /open sesame/);
});

test('each hop of a route is told apart', async (t) => {
  const sshd = await startSshd(t);
  const file = join(sshd.dir, 'doctor_config');
  writeFileSync(
    file,
    `Host far\n  ProxyJump test\n  HostKeyAlias elsewhere\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${sshd.user}\n  UserKnownHostsFile ${sshd.knownHostsFile}\n  IdentityFile ${sshd.keyFile}\nHost *\nInclude ${sshd.sshConfigFile}\n`,
    { mode: 0o600 },
  );
  const { code, findings, bad } = await examine(t, ['far', '-F', file]);
  t.equal(code, 76);
  t.match(
    findings.filter(({ step }) => step === 'reached'),
    [{ where: 'hop 1' }, { where: 'hop 2', text: /through hop 1/ }],
  );
  t.match(bad, [{ step: 'host key', fault: { code: 'HOST_KEY_UNKNOWN' }, text: /hop 2/ }]);
});

test('a server that never answers a request for a session is told so, and the rest is examined', async (t) => {
  const server = await startRogue(t, { session: () => undefined });
  const { code, findings, steps } = await examine(t, ['test', '-F', server.sshConfigFile]);
  t.match(
    findings.find(({ step }) => step === 'machine'),
    { state: 'mind', text: /did not open a command within 5 s.*; forwarding works without$/ },
  );
  t.strictSame(steps.slice(-2), ['round trip', 'forwarding']);
  t.equal(code, 0);
});

test('what rc files print is not taken for the name of the machine', async (t) => {
  const sshd = await startSshd(t);
  writeFileSync(join(sshd.home, '.bashrc'), 'echo Welcome; echo x\n');
  const { findings } = await examine(t, ['test', '-F', sshd.sshConfigFile]);
  const text = findings.find(({ step }) => step === 'machine')?.text;
  t.match(text, new RegExp(`^${hostname().replaceAll('.', '\\.')} \\(`));
});

test('a link that is lost after the login is a finding, told once, and the other relays are examined still', async (t) => {
  const [sshd, server] = [await startSshd(t), await startRogue(t, { session: (_innards, socket) => socket.destroy() })];
  const file = join(sshd.dir, 'doctor_config');
  const rogue = readFileSync(server.sshConfigFile, 'utf8').replace('Host test', 'Host lost');
  writeFileSync(file, `${rogue}\nHost *\nInclude ${sshd.sshConfigFile}\n`, { mode: 0o600 });
  const forwards = ['0:127.0.0.1:9', '0:127.0.0.1:10'];
  const relays = { a: { host: 'lost', forwards }, b: { host: 'test', forwards: [`0:127.0.0.1:${sshd.port}`] } };
  const config = { sshConfig: file, relays };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
  const { code, bad, subjects, steps, findings } = await examine(t, []);
  t.strictSame(subjects, ['a', 'b']);
  t.match(bad, [{ step: 'round trip', fault: { code: 'LINK_LOST' }, fix: /look at the log of the server/ }]);
  t.notOk(
    findings.some(({ text }) => text.includes('runs no commands')),
    'the link was gone',
  );
  t.equal(steps.at(-1), 'target');
  t.equal(code, 69);
  const { stdout } = await runTowline(t, ['doctor']);
  t.match(stdout, /\nb\n.*\n1 thing is wrong\n$/s);
});

test('what several relays share of a host is told once; where the way ends, it is gone once, and counted once', async (t) => {
  const [sshd, backend] = [await startSshd(t), await startEcho(t)];
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`] };
  const write = () => {
    const config = { sshConfig: sshd.sshConfigFile, relays: { one: relay, two: relay, three: relay } };
    writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify(config), { mode: 0o600 });
  };
  write();
  const well = await runTowline(t, ['doctor']);
  t.equal(well.code, 0);
  t.equal(well.stdout.match(/ok {5}login/g)?.length, 1);
  t.equal(well.stdout.match(/ok {5}target/g)?.length, 3);
  t.match(
    well.stdout,
    /\ntwo\n {2}ok {5}ssh_config {2}the way to test is the one of one, told above\n {2}ok {5}target/,
  );
  const { findings } = await examine(t, []);
  t.equal(findings.filter(({ step }) => step === 'login').length, 3, 'programs are told of each');
  t.match(
    (await runTowline(t, ['doctor', 'thre'])).stdout,
    /^thre\n {2}no relay of .*towline\.json has this name, so it is taken for a host; did you mean three\?\n/,
  );
  sshd.revokeKeys();
  const before = sshd.log().match(/Connection from/g)?.length ?? 0;
  const { code, stdout } = await runTowline(t, ['doctor']);
  t.equal(code, 77);
  t.equal((sshd.log().match(/Connection from/g)?.length ?? 0) - before, 1, 'one login');
  t.match(
    stdout,
    /\nthree\n {2}! {6}ssh_config {2}the way to test ends as that of one, told above; it is not gone again\n/,
  );
  t.match(stdout, /\n1 thing is wrong\n$/);
});

test('a port that the running daemon tries to get is not bound by doctor: it tells what the daemon has met', async (t) => {
  const [sshd, backend] = [await startSshd(t), await startEcho(t)];
  const forward = `${backend.port}:127.0.0.1:${backend.port}`;
  writeConfig(t, sshd, [forward]);
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0);
  const told = await examine(t, ['dev']);
  t.match(told.bad, [{ step: 'listen', fault: { code: 'LISTEN_TAKEN' } }]);
  const status = { running: 'running', forwards: [{ bound: false, listenFault: null }] } as unknown as RelayStatus;
  const port = await freePort();
  const holder = createServer();
  holder.listen(port, '127.0.0.1');
  await once(holder, 'listening');
  t.teardown(() => holder.close());
  const relay = { forwards: [{ listen: { kind: 'tcp', host: '127.0.0.1', port } }] } as unknown as RelayConfig;
  t.strictSame(await listenFindings(relay, status), [], 'the daemon is about to bind it');
  t.match(await listenFindings(relay, null), [{ fault: { code: 'LISTEN_TAKEN' } }]);
});

test('doctor looks at a relay of the running daemon from any folder, and says whose config it is', async (t) => {
  const [sshd, backend, cwd] = [await startSshd(t), await startEcho(t), makeTemp(t)];
  writeConfig(t, sshd, [`0:127.0.0.1:${backend.port}`]);
  const none = await examine(t, ['dev'], { cwd });
  t.match(none, { code: 68, subjects: ['dev'], bad: [{ step: 'reached', fault: { code: 'NAME_NOT_FOUND' } }] });
  t.equal((await runTowline(t, ['up', '--detach', '--wait', '20s'])).code, 0);
  const own = join(homeOf(t), 'towline.json');
  const stderr = `towline: the config is ${own}, which the running daemon has\n`;
  const other = { sshConfig: sshd.sshConfigFile, relays: { web: { host: 'test', forwards: ['0:127.0.0.1:9'] } } };
  for (const [words, here] of [
    [['dev'], null],
    [[], null],
    [['dev'], JSON.stringify(other)],
  ] as const) {
    if (here !== null) writeFileSync(join(cwd, 'towline.json'), here, { mode: 0o600 });
    const found = await examine(t, words, { cwd });
    t.match(found, { code: 0, subjects: ['dev'], stderr }, `${words} ${here}`);
    t.equal(found.steps.at(-1), 'daemon', 'what the daemon says of it too');
  }
  const folder = await examine(t, ['web'], { cwd });
  t.match(
    folder,
    { subjects: ['web'], stderr: /towline\.json is looked at; the running daemon / },
    'the folder counts first',
  );
  t.match(await examine(t, ['test', '-F', sshd.sshConfigFile], { cwd }), { stderr: '' }, 'a host is of no config');
});

test('a reader that leaves ends doctor, and nothing is wrong with that', async (t) => {
  const sshd = await startSshd(t);
  writeConfig(t, sshd, ['0:127.0.0.1:1']);
  const headed = ['bash', '-c', '"$0" "$@" | head -n 1; exit "$PIPESTATUS"'];
  t.strictSame(await runTowline(t, ['doctor', 'dev'], { under: headed }), { code: 0, stdout: 'dev\n', stderr: '' });
});

test('of a file that the running daemon has not taken over, or another one, doctor says so and mixes nothing', async (t) => {
  const [sshd, backend] = [await startSshd(t), await startEcho(t)];
  const [port, gone] = [await freePort(), await freePort()];
  const write = (file: string, target: number) => {
    const relays = { dev: { host: 'test', forwards: [`${port}:127.0.0.1:${target}`], hold: { time: '30s' } } };
    writeFileSync(file, JSON.stringify({ sshConfig: sshd.sshConfigFile, relays }), { mode: 0o600 });
  };
  const own = join(homeOf(t), 'towline.json');
  write(own, backend.port);
  t.equal((await runTowline(t, ['up', '-d', '--wait', '60s'])).code, 0);
  const same = await examine(t, ['dev']);
  t.strictSame([same.stderr, same.code], ['', 0]);
  t.match(same.findings.at(-1), { step: 'daemon', text: /^the daemon says connected/ });

  const differing = async (words: readonly string[], note: RegExp, fix: RegExp) => {
    const { stderr, bad, findings } = await examine(t, words);
    t.match(stderr, note);
    t.match(bad, [{ step: 'target', where: `127.0.0.1:${gone}` }], 'its own listener is no trouble');
    t.match(
      findings.filter(({ step }) => step === 'daemon'),
      [{ state: 'mind', text: /^the running daemon has this relay otherwise than the config that is looked at/, fix }],
    );
    t.equal(findings.filter(({ step }) => step === 'daemon').length, 1, 'what it knows of its own relay is not told');
    t.match(
      findings.filter(({ step }) => step === 'listen'),
      [{ state: 'well', text: 'the running daemon listens there, for its relay dev' }],
    );
  };
  const other = join(makeTemp(t), 'other.json');
  write(other, gone);
  await differing(
    ['dev', '--config', other],
    /^towline: .*other\.json is looked at; the running daemon \(pid \d+\) has another config, .*towline\.json, and what it knows is left out\n$/,
    /^add `--config .*towline\.json` to look at/,
  );
  write(own, gone);
  const daemon = daemonClient(t);
  await waitUntil('the daemon has seen it', async () => (await daemon.all())?.pending != null);
  await differing(
    ['dev'],
    /^towline: .*towline\.json is looked at as it stands now; the running daemon \(pid \d+\) has not taken over what changed of dev, and what/,
    /^`towline reload` has/,
  );
});
