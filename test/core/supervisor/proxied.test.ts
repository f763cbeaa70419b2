import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { commandOf, descendants, processes, signalAll } from '../../fixtures/process-tree.ts';
import { addSettings } from '../../fixtures/sshd-client.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** The processes of this machine whose command line is this one. */
const running = (command: string) => processes().filter(({ pid }) => commandOf(pid) === command);

test('a relay goes through its ProxyCommand: it is told, its death is named, it recovers, and nothing is left of it', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const nc = `nc 127.0.0.1 ${sshd.port}`;
  t.teardown(() =>
    signalAll(
      running(nc).map(({ pid }) => pid),
      'SIGKILL',
    ),
  );
  addSettings(sshd, `ProxyCommand sh -c 'nc %h %p; echo the tunnel fell in >&2; exit 9'`);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'through nc')).toString(), 'through nc');
  t.same(relays.status('r').warnings, [], 'a way that works is no warning');
  const told = await relays.next('the way', (event) => event.type === 'relay.noted');
  t.match(told, {
    // No more of it: a secret may stand there.
    text: new RegExp(`:${sshd.port} is reached by its ProxyCommand: sh$`),
  });
  const commands = descendants(relays.worker('r')).filter(({ pid }) => commandOf(pid) === nc);
  t.equal(commands.length, 1, 'it is a child of the worker');
  const { id } = relays.supervisor.status();
  signalAll(
    commands.map(({ pid }) => pid),
    'SIGKILL',
  );
  const lost = await relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at !== 'up', id);
  t.match(lost, {
    state: {
      fault: { code: 'LINK_LOST', message: /the ProxyCommand of .* ended with exit code 9 \("the tunnel fell in"\)/ },
    },
  });
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'again')).toString(), 'again');
  t.equal(relays.events.filter(({ type }) => type === 'relay.noted').length, 1, 'said once');
  t.match(relays.status('r').warnings.at(-1), /the ProxyCommand of .* says: the tunnel fell in$/);

  const worker = relays.worker('r');
  signalAll([worker], 'SIGKILL');
  await relays.next('another worker', (event) => event.type === 'worker.started' && event.pid !== worker);
  await relays.reach('r', 'connected');
  await waitUntil('of two commands the dead worker left none', () => running(nc).length === 1);
  await relays.supervisor.stopRelay('r');
  await waitUntil('nothing is left', () => running(nc).length === 0);
});

test('ssh as a ProxyCommand whose key is refused is run ever more slowly, once for two relays', async (t) => {
  const [sshd, bastion] = [await startSshd(t), await startSshd(t)];
  const echo = await startEcho(t);
  bastion.revokeKeys();
  addSettings(sshd, `ProxyCommand ssh -F ${bastion.sshConfigFile} -o BatchMode=yes -W %h:%p test`);
  const relay = { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] };
  const relays = await supervise(t, sshd, { r: relay, other: relay });
  const waiting = await relays.next(
    'a failure',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting' && event.state.tries.of === 'command',
  );
  t.match(waiting, {
    state: {
      fault: {
        code: 'PROXY_COMMAND_FAILED',
        message: /ended with exit code 255 \(".*Permission denied \(publickey/,
        detail: { exit: 255 },
      },
    },
  });
  const says = await relays.next(
    'its words',
    (event) => event.type === 'relay.warned' && event.text.includes(' says: '),
  );
  t.match(says, { text: /Permission denied \(publickey,keyboard-interactive\)\.$/ });
  const began = performance.now();
  await waitUntil(
    'the third login',
    () => (bastion.log().match(/Connection closed by authenticating/g)?.length ?? 0) >= 3,
  );
  const took = performance.now() - began;
  t.comment(`three logins within ${Math.round(took)} ms`);
  t.ok(took > 2_000, `${took} ms`);
  bastion.allowKey(bastion.publicKey);
  await relays.supervisor.startRelay('r');
  await relays.reach('r', 'connected');
  await relays.reach('other', 'connected');
  t.equal((await exchange(relays.port('other'), 'through the bastion')).toString(), 'through the bastion');
});

test('a relay whose ProxyCommand is not there is blocked, and connects when the program appears', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const program = join(makeTemp(t, 'program'), 'way');
  addSettings(sshd, `ProxyCommand ${program} %h %p`);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const { standing } = await relays.reach('r', 'blocked');
  t.match(standing.fault, {
    code: 'PROXY_COMMAND_MISSING',
    message: /exit code 127 \(not found\).*; install the program/,
  });
  t.ok((standing.until ?? 0) > Date.now() + 50_000, 'tried again in a minute');
  const { id } = relays.supervisor.status();
  writeFileSync(program, '#!/bin/sh\nexec nc "$@"\n', { mode: 0o755 });
  await relays.reach('r', 'connected', 10_000);
  t.equal((await exchange(relays.port('r'), 'found')).toString(), 'found');
  const tried = relays.events.filter(
    (event) => event.id > id && event.type === 'lane.changed' && event.state.at === 'dialing',
  );
  t.equal(tried.length, 1);
});

test('a bastion that is down is asked as quickly as any port, through ssh as a ProxyCommand too', async (t) => {
  const [sshd, bastion] = [await startSshd(t), await startSshd(t)];
  const echo = await startEcho(t);
  await bastion.stop();
  addSettings(sshd, `ProxyCommand ssh -F ${bastion.sshConfigFile} -o BatchMode=yes -W %h:%p test`);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const waiting = await relays.next(
    'the third failure',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting' && event.state.tries.count === 3,
  );
  t.match(waiting, {
    state: { tries: { of: 'soon' }, fault: { code: 'PROXY_COMMAND_FAILED', detail: { exit: 255 } } },
  });
  await bastion.start();
  await relays.reach('r', 'connected', 4_000);
});

test('LocalCommand, KnownHostsCommand and RemoteCommand run nowhere for a relay', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const canary = join(sshd.dir, 'canary');
  addSettings(
    sshd,
    'PermitLocalCommand yes',
    `LocalCommand touch ${canary}`,
    `KnownHostsCommand /usr/bin/touch ${canary}`,
    `RemoteCommand touch ${canary}`,
  );
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'no command')).toString(), 'no command');
  t.notOk(existsSync(canary));
  t.match(relays.status('r').warnings, [
    /ssh_config:4: "knownhostscommand" is left out: no command is asked for host keys/,
  ]);
});
