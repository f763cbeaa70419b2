import { once } from 'node:events';
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { startEcho, startSink, startTcp } from '../../fixtures/backend.ts';
import { dial, exchange } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { residentSize } from '../../fixtures/process-tree.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

/** Gives one sshd's ssh_config the aliases of others. */
function alias(into: Sshd, name: string, other: Sshd, ...lines: readonly string[]): void {
  const own = readFileSync(other.sshConfigFile, 'utf8').replace('Host test', `Host ${name}`);
  appendFileSync(into.sshConfigFile, `${own}${lines.map((line) => `  ${line}\n`).join('')}`);
}

test('a relay reaches its host over two jump hosts, each with its own settings', async (t) => {
  const [first, second, last] = [await startSshd(t), await startSshd(t), await startSshd(t, { hostKeys: ['rsa'] })];
  const echo = await startEcho(t);
  alias(first, 'second', second);
  alias(first, 'inner', last, 'ProxyJump test,second');
  const relays = await supervise(t, first, { r: { host: 'inner', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const status = await relays.reach('r', 'connected');
  t.match(status.lanes[0]?.link, { route: ['test', 'second'], hostKey: last.hostKeyFingerprint });
  t.equal((await exchange(relays.port('r'), 'over three hops')).toString(), 'over three hops');
  first.killSessions();
  await relays.next(
    'the loss',
    (event) => event.type === 'lane.changed' && event.state.at === 'dialing',
    relays.supervisor.status().id,
  );
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'again')).toString(), 'again');
});

test('three jump hosts and the host behind them have each another user, key and known_hosts', async (t) => {
  // Who is not root can log in as himself only.
  const users = process.getuid?.() === 0 ? ['nobody', 'daemon', 'bin'] : [];
  const hosts = [
    await startSshd(t),
    await startSshd(t),
    await startSshd(t, { hostKeys: ['rsa'] }),
    await startSshd(t, { hostKeys: ['ecdsa'] }),
  ] as const;
  const [first, ...others] = hosts;
  const echo = await startEcho(t);
  for (const [index, host] of hosts.entries()) {
    const user = users[index];
    if (user === undefined) continue;
    writeFileSync(
      host.sshConfigFile,
      readFileSync(host.sshConfigFile, 'utf8').replace(/ {2}User .*/, `  User ${user}`),
    );
    // sshd reads it as the user that logs in.
    chmodSync(host.dir, 0o711);
    chmodSync(host.authorizedKeysFile, 0o644);
  }
  for (const [index, host] of others.entries()) alias(first, `h${index}`, host);
  appendFileSync(first.sshConfigFile, '  ProxyJump test,h0,h1\n');
  const relays = await supervise(t, first, { r: { host: 'h2', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const { lanes } = await relays.reach('r', 'connected');
  t.match(lanes[0]?.link, { route: ['test', 'h0', 'h1'], hostKey: others[2].hostKeyFingerprint });
  t.equal((await exchange(relays.port('r'), 'four hosts')).toString(), 'four hosts');
  for (const [index, host] of hosts.entries()) {
    t.match(host.log(), new RegExp(`Accepted publickey for ${users[index] ?? host.user} `));
    t.equal(host.log().match(/Accepted publickey/g)?.length, 1);
  }
});

test('a host that hangs behind a lively jump host is found dead within its keepalive', async (t) => {
  const jump = await startSshd(t, { config: ['ClientAliveInterval 1', 'ClientAliveCountMax 1000'] });
  const target = await startSshd(t);
  const echo = await startEcho(t);
  alias(jump, 'inner', target, 'ProxyJump test');
  const relays = await supervise(t, jump, {
    r: { host: 'inner', forwards: [`0:127.0.0.1:${echo.port}`], keepalive: { interval: '1s', count: 2 } },
  });
  t.equal((await relays.reach('r', 'connected')).lanes[0]?.link?.detect, 3_000);
  t.teardown(() => target.resume());
  target.pause();
  const began = performance.now();
  const lost = await relays.next(
    'the loss',
    (event) => event.type === 'lane.changed' && event.state.at !== 'up',
    relays.supervisor.status().id,
    10_000,
  );
  t.comment(`found dead after ${Math.round(performance.now() - began)} ms`);
  // The second link, which hangs in its greeting, is the next attempt.
  t.match(lost, { state: { at: 'dialing', before: true } });
  t.match(relays.status('r').lastFault, { code: 'LINK_SILENT', message: /no answer from hop 2 .* for 3 s/ });
});

test('uploads that stall behind a jump host are not read into memory', async (t) => {
  const [jump, target] = [await startSshd(t), await startSshd(t)];
  const sink = await startSink(t);
  alias(jump, 'inner', target, 'ProxyJump test');
  const relays = await supervise(t, jump, {
    r: { host: 'inner', forwards: [`0:127.0.0.1:${sink.port}`], keepalive: { interval: '60s', count: 3 } },
  });
  await relays.reach('r', 'connected');
  const clients = await Promise.all(Array.from({ length: 60 }, () => dial(relays.port('r'))));
  t.teardown(() => {
    for (const client of clients) client.destroy();
  });
  await waitUntil('all are open', () => sink.sockets.size >= clients.length);
  const pid = relays.worker('r');
  const before = residentSize(pid);
  t.teardown(() => target.resume());
  target.pause();
  const size = 4 * 1024 * 1024;
  for (const client of clients) client.write(Buffer.alloc(size));
  // Nobody reads any more once no client's backlog shrinks.
  const left = () => clients.reduce((sum, client) => sum + client.writableLength, 0);
  let last = -1;
  await waitUntil(
    'the uploads stall',
    () => {
      const now = left();
      const still = now === last;
      last = now;
      return still;
    },
    { every: 1_000 },
  );
  const grown = (residentSize(pid) - before) / 1024 / 1024;
  t.comment(`60 stalled uploads of 4 MiB behind a jump host: ${grown.toFixed(0)} MiB`);
  t.ok(grown < 60, `${grown.toFixed(0)} MiB`);
});

test('small answers in two writes do not wait for Nagle, neither directly nor behind a jump host', async (t) => {
  const [jump, target] = [await startSshd(t), await startSshd(t)];
  alias(jump, 'inner', target, 'ProxyJump test');
  // The pause keeps the two writes apart; without it one packet may take both.
  const backend = await startTcp(t, 0, (socket) => {
    socket.setNoDelay(true);
    socket.on('data', () => {
      socket.write('head');
      setTimeout(() => socket.write('body'), 2);
    });
  });
  const forwards = [`0:127.0.0.1:${backend.port}`];
  const relays = await supervise(t, jump, { near: { host: 'test', forwards }, far: { host: 'inner', forwards } });
  for (const name of ['near', 'far']) {
    await relays.reach(name, 'connected');
    const client = await dial(relays.port(name));
    t.teardown(() => client.destroy());
    const times: number[] = [];
    for (let n = 0; n < 41; n += 1) {
      const began = performance.now();
      client.write('x');
      for (let got = ''; got.length < 8; ) got += String((await once(client, 'data'))[0]);
      times.push(performance.now() - began);
    }
    const median = times.sort((a, b) => a - b)[20] ?? 0;
    t.comment(`${name}: ${median.toFixed(1)} ms`);
    t.ok(median < 20, `${name}: ${median.toFixed(1)} ms`);
  }
});

test('a fault names the hop at which it happened', async (t) => {
  const [first, last] = [await startSshd(t), await startSshd(t)];
  alias(first, 'inner', last, 'ProxyJump test');
  last.revokeKeys();
  const config = { r: { host: 'inner', forwards: [`0:127.0.0.1:${await freePort()}`] } };
  const refused = await supervise(t, first, config);
  const status = await refused.reach('r', 'blocked');
  t.match(status.standing.fault, {
    code: 'AUTH_REJECTED',
    message: new RegExp(`^hop 2 \\(.*:${last.port}\\) rejected`),
  });
  await refused.supervisor.close('next');
  await last.stop();
  const down = await supervise(t, first, config);
  const waiting = await down.next('a wait', (event) => event.type === 'lane.changed' && event.state.at === 'waiting');
  t.match(waiting, {
    state: {
      fault: {
        code: 'CONNECT_REFUSED',
        message: new RegExp(`^hop 1 \\(.*:${first.port}\\) cannot reach 127.0.0.1:${last.port}`),
      },
    },
  });
});

test('a ProxyJump that leads back to itself is refused', async (t) => {
  const sshd = await startSshd(t);
  appendFileSync(sshd.sshConfigFile, 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
  const relays = await supervise(t, sshd, { r: { host: 'a', forwards: ['0:127.0.0.1:9'] } });
  t.match((await relays.reach('r', 'blocked')).standing.fault, {
    code: 'SSH_CONFIG_INVALID',
    message: /remove the loop/,
  });
});
