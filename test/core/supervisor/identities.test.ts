import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { startSshAgent } from '../../fixtures/ssh-agent.ts';
import { addSettings } from '../../fixtures/sshd-client.ts';
import { makeKeyPair } from '../../fixtures/sshd-keys.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise, type Supervised } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const relay = { r: { host: 'test', forwards: ['0:127.0.0.1:9'] } };

/** Waits until an attempt that began after an event has ended in `blocked`; its fault comes back. */
async function blockedAfter(relays: Supervised, id: number) {
  const event = await relays.next(
    'it is blocked',
    (one) => one.type === 'lane.changed' && one.state.at === 'blocked',
    id,
  );
  return event.type === 'lane.changed' && event.state.at === 'blocked' ? event.state.fault : null;
}

test('keys that are refused are all named and tried once; a change of the agent or of ssh_config is tried at once', async (t) => {
  const sshd = await startSshd(t);
  const agent = await startSshAgent(t);
  sshd.revokeKeys();
  const [second, third, right] = ['second', 'third', 'right'].map((name) => makeKeyPair(join(sshd.dir, name)));
  if (second === undefined || third === undefined || right === undefined) throw new Error('no keys');
  sshd.allowKey(right.publicKey);
  addSettings(sshd, 'IdentitiesOnly no', `IdentityAgent ${agent.socket}`, `IdentityFile ${second.file}`);
  const relays = await supervise(t, sshd, relay);
  const { standing } = await relays.reach('r', 'blocked');
  t.match(standing.fault, { code: 'AUTH_REJECTED', detail: { offered: 2 } });
  t.equal(standing.fault?.message.match(/SHA256:/g)?.length, 2);
  t.ok(standing.fault?.message.includes(second.fingerprint));
  t.ok((standing.until ?? 0) > Date.now() + 15 * 60_000, 'the next try by itself is 20 minutes away');
  const logins = () => sshd.log().match(/Connection from/g)?.length;
  t.equal(logins(), 1);

  const { id } = relays.supervisor.status();
  agent.add(third.file);
  t.match(await blockedAfter(relays, id), { code: 'AUTH_REJECTED', detail: { offered: 3 } }, 'the agent changed');
  t.equal(logins(), 2);

  addSettings(sshd, `IdentityFile ${right.file}`);
  await relays.next('it is let in', (event) => event.type === 'link.opened', id);
  t.equal(logins(), 3);
});

/** What stands in the place of a key, the code, and what is said of it. */
type Spoiled = readonly [name: string, spoil: (file: string) => void, code: string, message: RegExp];

const spoiled: readonly Spoiled[] = [
  [
    'missing',
    () => undefined,
    'IDENTITY_UNREADABLE',
    /ssh_config:\d+: IdentityFile \S+ does not exist; correct the path, or make/,
  ],
  ['open', (file) => chmodSync(makeKeyPair(file).file, 0o644), 'IDENTITY_UNREADABLE', /\(0644\); `chmod 600` it/],
  ['folder', (file) => mkdirSync(file), 'IDENTITY_UNREADABLE', /is not a regular file/],
  ['fifo', (file) => execFileSync('mkfifo', ['-m', '600', file]), 'IDENTITY_UNREADABLE', /is not a regular file/],
  [
    'garbage',
    (file) => writeFileSync(file, 'x', { mode: 0o600 }),
    'IDENTITY_UNREADABLE',
    /holds no key that ssh knows/,
  ],
  [
    'putty',
    (file) => writeFileSync(file, 'PuTTY-User-Key-File-3: ssh-ed25519\n', { mode: 0o600 }),
    'IDENTITY_UNREADABLE',
    /is a PuTTY key; convert it with `puttygen -O private-openssh`/,
  ],
  [
    'rsa-1024',
    (file) => execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '1024', '-N', '', '-f', file]),
    'IDENTITY_UNREADABLE',
    /1024 bits.*RequiredRSASize/,
  ],
  [
    'encrypted',
    (file) => makeKeyPair(file, 'ed25519', 'secret'),
    'NEEDS_ANSWER',
    /passphrase for key .*encrypted.*unlock encrypted/,
  ],
];

test('a key file that is of no use is named with its cure, nothing waits for it, and a good one in its place is taken', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'keys');
  const text = readFileSync(sshd.sshConfigFile, 'utf8');
  const config = spoiled.map(([name]) => {
    const own = `  IdentityFile ${join(dir, name)}\n  RequiredRSASize 2048\n  PreferredAuthentications publickey\n`;
    return text.replace('Host test', `Host ${name}`).replace(/ {2}IdentityFile .*\n/, own);
  });
  writeFileSync(sshd.sshConfigFile, config.join(''));
  for (const [name, spoil] of spoiled) {
    spoil(join(dir, name));
    const told = join(dir, `${name}.pub`);
    if (existsSync(told)) sshd.allowKey(readFileSync(told, 'utf8').trim());
  }
  const { forwards } = relay.r;
  const relays = await supervise(
    t,
    sshd,
    Object.fromEntries(spoiled.map(([name]) => [name, { host: name, forwards }])),
  );
  for (const [name, , code, message] of spoiled) {
    const { fault } = (await relays.reach(name, 'blocked')).standing;
    t.match(fault, { code, message }, name);
    t.ok(fault?.message.includes(join(dir, name)), `${name}: ${fault?.message}`);
  }
  t.notMatch(sshd.log(), /Accepted publickey/);
  for (const [name] of spoiled) {
    rmSync(join(dir, name), { recursive: true, force: true });
    sshd.allowKey(makeKeyPair(join(dir, name)).publicKey);
  }
  for (const [name] of spoiled) {
    await relays.next(`${name} is let in`, (event) => event.type === 'link.opened' && event.relay === name);
  }
});

test('an encrypted key is opened by the answer of a person, once, and serves after a loss without him', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const pair = makeKeyPair(join(sshd.dir, 'locked'), 'ed25519', 'secret');
  sshd.revokeKeys();
  sshd.allowKey(pair.publicKey);
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(sshd.keyFile, pair.file);
  writeFileSync(sshd.sshConfigFile, text);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'blocked');
  const asked: string[] = [];
  relays.supervisor.questions.attend('r', {
    asked: ({ id, question }) => {
      asked.push(question.kind);
      relays.supervisor.questions.answer(id, [new Secret('secret')]);
    },
    over: () => undefined,
  });
  await relays.supervisor.startRelay('r');
  await relays.reach('r', 'connected');
  const { id } = relays.supervisor.status();
  sshd.killSessions();
  await relays.next('another link', (event) => event.type === 'link.opened', id);
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'unlocked')).toString(), 'unlocked');
  t.same(asked, ['passphrase']);
});

test('an agent that is gone, or silent, is named within its deadline, and the relay goes on when it is there', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const [gone, silent] = [await startSshAgent(t), await startSshAgent(t)];
  silent.add(sshd.keyFile);
  await gone.close();
  silent.pause();
  for (const [agent, message, least] of [
    [gone, /does not exist or may not be reached/, 0],
    [silent, /gave no answer within 3 s/, 2_900],
  ] as const) {
    const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(/ {2}Identi.*\n/g, '');
    writeFileSync(sshd.sshConfigFile, text);
    addSettings(sshd, `IdentityAgent ${agent.socket}`, 'IdentityFile none', 'PreferredAuthentications publickey');
    const began = performance.now();
    const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
    const { fault } = (await relays.reach('r', 'blocked')).standing;
    const took = performance.now() - began;
    t.match(fault, { code: 'AGENT_UNREACHABLE', message });
    t.ok(fault?.message.includes(agent.socket));
    t.ok(took >= least && took < 15_000, `${Math.round(took)} ms`);
    if (agent === silent) {
      agent.resume();
      await relays.reach('r', 'connected');
      t.equal((await exchange(relays.port('r'), 'by the agent')).toString(), 'by the agent');
    }
    await relays.supervisor.close('next');
  }
});

test('a key that its agent must confirm: who declines is named and not asked again, who agrees is let in', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'askpass');
  const [askpass, agrees, calls] = ['askpass', 'agrees', 'calls'].map((name) => join(dir, name));
  writeFileSync(String(askpass), `#!/bin/sh\nprintf '%s\\n' "$1" >>${calls}\ntest -e ${agrees}\n`, { mode: 0o700 });
  const agent = await startSshAgent(t, { SSH_ASKPASS: String(askpass), SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' });
  agent.add(sshd.keyFile, '-c');
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(/ {2}Identi.*\n/g, '');
  writeFileSync(sshd.sshConfigFile, text);
  addSettings(sshd, `IdentityAgent ${agent.socket}`, 'IdentityFile none', 'PreferredAuthentications publickey');
  const relays = await supervise(t, sshd, relay);
  const { standing } = await relays.reach('r', 'blocked');
  t.match(standing.fault, {
    code: 'AGENT_REFUSED',
    message: /would take a key of the agent, but: .* refused the request/,
  });
  t.ok((standing.until ?? 0) > Date.now() + 15 * 60_000);
  const asked = () => readFileSync(String(calls), 'utf8').match(/Allow use of key/g)?.length;
  t.equal(asked(), 1);
  writeFileSync(String(agrees), '');
  await relays.supervisor.startRelay('r');
  await relays.next('it is let in', (event) => event.type === 'link.opened');
  t.equal(asked(), 2);
});

test('whatever a server asks, nobody is waited for: the login ends, and the relay says what is wanted', async (t) => {
  const wants: readonly (readonly [name: string, code: string, message: RegExp])[] = [
    ['password', 'NEEDS_ANSWER', /asks for a password.*`towline unlock r`/],
    ['code', 'NEEDS_ANSWER', /asks for an answer to "Verification code:".*`towline unlock r`/],
    ['confirmation', 'NEEDS_ANSWER', /asks for an answer to "Press return:".*`towline unlock r`/],
  ];
  for (const [name, code, message] of wants) {
    let open = 0;
    const server = await startRogue(t, {
      login: (context, _innards, socket) => {
        if (context.method === 'none') {
          open += 1;
          socket.once('close', () => {
            open -= 1;
          });
        }
        const method = name === 'password' ? 'password' : 'keyboard-interactive';
        if (context.method !== 'keyboard-interactive') return context.reject([method]);
        const prompt = name === 'code' ? 'Verification code: ' : 'Press return: ';
        context.prompt([{ prompt, echo: name !== 'code' }], () => undefined);
      },
    });
    const relays = await supervise(t, server, relay);
    const { standing } = await relays.reach('r', 'blocked');
    t.match(standing, { until: null, fault: { code, message } }, name);
    t.equal(server.logins(), 0);
    await waitUntil('its connection is closed', () => open === 0);
    await relays.supervisor.close('next');
  }
});

test('a password that has expired ends the login by name, and is not tried again by itself', async (t) => {
  let changes = 0;
  const server = await startRogue(t, {
    login: (context, innards) => {
      if (context.method !== 'password') return context.reject(['password']);
      changes += 1;
      innards.authPasswdChg('Your password has expired');
    },
  });
  const relays = await supervise(t, server, relay);
  await relays.reach('r', 'blocked');
  relays.supervisor.questions.attend('r', {
    asked: ({ id }) => relays.supervisor.questions.answer(id, [new Secret('old')]),
    over: () => undefined,
  });
  const { id } = relays.supervisor.status();
  await relays.supervisor.startRelay('r');
  t.match(await blockedAfter(relays, id), {
    code: 'PASSWORD_EXPIRED',
    message: /has expired .*log in once with `?ssh/,
  });
  t.equal(relays.status('r').standing.until, null);
  t.equal(changes, 1);
});
