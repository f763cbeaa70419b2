import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { exchange } from '../fixtures/client.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp } from '../fixtures/temp.ts';

const forwards = [`0:127.0.0.1:${ECHO_PORT}`];

/** What sshd logs when a penalty has grown enough to count. */
const enforced = /activating ipv4 penalty|drop connection .*penalty/;

test('whatever the login shell is, forwards work', async (t) => {
  const host = await startContainer(t);
  for (const shell of ['/usr/sbin/nologin', '/usr/bin/fish', '/usr/bin/tcsh', '/bin/false']) {
    t.match(await host.exec('usermod -s "$1" dev', { args: [shell] }), { code: 0 });
    const relays = await supervise(t, host, { r: { host: 'test', forwards } });
    await relays.reach('r', 'connected');
    t.equal((await exchange(relays.port('r'), shell)).toString(), shell);
    await relays.supervisor.close('next');
  }
});

test('eight relays with a wrong key cost the relay with the right one nothing (PerSourcePenalties)', async (t) => {
  const host = await startContainer(t, { release: 'trixie' });
  const dir = makeTemp(t, 'wrong');
  const wrong = makeKeyPair(join(dir, 'id'));
  const sshConfigFile = join(dir, 'config');
  const alias = [
    'Host wrong',
    '  HostName 127.0.0.1',
    `  Port ${host.port}`,
    '  User dev',
    `  IdentityFile ${wrong.file}`,
  ];
  const more = [
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${host.knownHostsFile}`,
    'Host test',
    '  HostName 127.0.0.1',
  ];
  const good = [
    `  Port ${host.port}`,
    '  User dev',
    `  IdentityFile ${host.keyFile}`,
    `  UserKnownHostsFile ${host.knownHostsFile}`,
  ];
  writeFileSync(sshConfigFile, [...alias, ...more, ...good, '  IdentitiesOnly yes', ''].join('\n'), { mode: 0o600 });
  const bad = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`bad${n}`, { host: 'wrong', forwards }]));
  const relays = await supervise(t, { sshConfigFile }, { ...bad, good: { host: 'test', forwards } });
  for (const name of Object.keys(bad))
    t.equal((await relays.reach(name, 'blocked')).standing.fault?.code, 'AUTH_REJECTED');
  await relays.reach('good', 'connected');
  const { id } = relays.supervisor.status();
  await host.killSessions();
  await relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at === 'dialing', id);
  await relays.reach('good', 'connected');
  t.equal((await exchange(relays.port('good'), 'unharmed')).toString(), 'unharmed');
  t.equal(host.log().match(/Failed publickey/g)?.length, 1, 'one refused login, however many relays');
  t.notMatch(host.log(), enforced);
});

test('a server that penalises us says so, and is asked more and more slowly until it is over', async (t) => {
  const host = await startContainer(t, {
    release: 'trixie',
    config: ['PerSourcePenalties=min:1s', 'PerSourcePenalties=authfail:4s'],
  });
  const dir = makeTemp(t, 'wrong');
  const wrong = makeKeyPair(join(dir, 'id'));
  const sshConfigFile = join(dir, 'config');
  const block = (name: string, key: string) =>
    [
      `Host ${name}`,
      '  HostName 127.0.0.1',
      `  Port ${host.port}`,
      '  User dev',
      `  IdentityFile ${key}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${host.knownHostsFile}`,
      '',
    ].join('\n');
  writeFileSync(sshConfigFile, block('wrong', wrong.file) + block('test', host.keyFile), { mode: 0o600 });
  const first = await supervise(t, { sshConfigFile }, { bad: { host: 'wrong', forwards } });
  t.equal((await first.reach('bad', 'blocked')).standing.fault?.code, 'AUTH_REJECTED');
  await first.supervisor.close('next');
  const relays = await supervise(t, { sshConfigFile }, { good: { host: 'test', forwards } });
  const waits: number[] = [];
  relays.supervisor.subscribe(0, (event) => {
    if (event.type === 'lane.changed' && event.state.at === 'waiting') waits.push(event.state.until - Date.now());
  });
  const waiting = await relays.next('a wait', (event) => event.type === 'lane.changed' && event.state.at === 'waiting');
  t.match(waiting, {
    state: {
      fault: {
        code: 'SERVER_BUSY',
        message: /closed the connection before the SSH greeting: "Not allowed at this time"/,
      },
    },
  });
  await relays.reach('good', 'connected', 60_000);
  t.match(host.log(), enforced);
  t.comment(`waits: ${waits.map((wait) => Math.round(wait)).join(', ')} ms`);
  t.ok(waits.length <= 2, `${waits.length} tries in 4 s`);
});
