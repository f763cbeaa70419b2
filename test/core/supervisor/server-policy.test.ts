import { once } from 'node:events';
import { test } from 'tap';
import type { Endpoint } from '../../../src/core/model/endpoint.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial, exchange, fate } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { signalAll } from '../../fixtures/process-tree.ts';
import { startSlowSigner, startSshAgent } from '../../fixtures/ssh-agent.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { within } from '../../fixtures/wait.ts';

// What the policy of a server does to a relay: each row of FAULTS that another test does not show.

const from = { address: '127.0.0.1', port: 1 };
const tcp = (port: number, host = '127.0.0.1'): Endpoint => ({ kind: 'tcp', host, port });

test('a server whose places are all taken (MaxStartups) is busy by its own words, and asked again slowly', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 1:100:1'] });
  const echo = await startEcho(t);
  const idler = await dial(sshd.port);
  t.teardown(() => idler.destroy());
  await once(idler, 'data');
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const waiting = await relays.next('a wait', (event) => event.type === 'lane.changed' && event.state.at === 'waiting');
  t.match(waiting, {
    state: {
      fault: {
        code: 'SERVER_BUSY',
        message: /closed the connection before the SSH greeting: "Exceeded MaxStartups"; wait/,
      },
    },
  });
  idler.destroy();
  await relays.reach('r', 'connected');
});

test('forwarding works where no session is allowed (MaxSessions 0), or only one', async (t) => {
  for (const sessions of [0, 1]) {
    const sshd = await startSshd(t, { config: [`MaxSessions ${sessions}`] });
    const echo = await startEcho(t);
    const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
    t.equal((await relays.reach('r', 'connected')).standing.fault, null);
    t.equal((await exchange(relays.port('r'), 'no session')).toString(), 'no session');
    const warnings = sessions === 0 ? [/ allows no more sessions \(MaxSessions\?\): forwarding works without/] : [];
    t.match(relays.status('r').warnings, warnings);
    t.equal(relays.status('r').warnings.length, warnings.length);
  }
});

test('a server, or a key, that forbids forwarding says so by name, and the link stays', async (t) => {
  const echo = await startEcho(t);
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['AllowTcpForwarding no'], ''],
    [['AllowTcpForwarding remote'], ''],
    [['DisableForwarding yes'], ''],
    [['PermitOpen 127.0.0.1:1'], ''],
    [[], 'restrict '],
    [[], 'no-port-forwarding '],
    [[], 'permitopen="127.0.0.1:1" '],
  ];
  for (const [config, options] of rows) {
    const sshd = await startSshd(t, { config });
    sshd.revokeKeys();
    sshd.allowKey(`${options}${sshd.publicKey}`);
    const link = await openTestLink(t, sshd);
    const message = new RegExp(
      `:${sshd.port} refuses to forward to 127\\.0\\.0\\.1:${echo.port}; check AllowTcpForwarding, PermitOpen and the key's options there`,
    );
    await t.rejects(link.dial(tcp(echo.port), from), { code: 'FORWARDING_REFUSED', message }, `${config}${options}`);
    t.equal(link.fault, null);
  }
});

test('a target that is down and one that does not resolve are told apart, and the link stays', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const down = await freePort();
  await t.rejects(link.dial(tcp(down), from), {
    code: 'TARGET_REFUSED',
    message: new RegExp(`cannot reach 127\\.0\\.0\\.1:${down}: Connection refused; start the backend`),
  });
  await t.rejects(link.dial(tcp(80, 'no-such-name.invalid'), from), {
    code: 'TARGET_REFUSED',
    message: /cannot reach no-such-name\.invalid:80: .*(?:name|Name)/,
  });
  t.equal(link.fault, null);
});

test('a forced command harms no forward', async (t) => {
  const sshd = await startSshd(t, { config: ['ForceCommand /bin/false'] });
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  t.equal((await exchange(relays.port('r'), 'forced')).toString(), 'forced');
});

test('a server that does not wait for a slow agent (LoginGraceTime) is told by when it left', async (t) => {
  const sshd = await startSshd(t, { config: ['LoginGraceTime 1'] });
  const agent = await startSshAgent(t);
  agent.add(sshd.keyFile);
  const socket = await startSlowSigner(t, agent.socket, () => 10_000);
  await t.rejects(
    openTestLink(t, sshd, { edit: () => ({ agent: socket, identityFiles: [], identitiesOnly: false }) }),
    {
      code: 'SERVER_BUSY',
      message: /closed the connection during authentication/,
    },
  );
});

// sshd sends EOF before it closes such a channel: nobody can tell it from a backend that has ended.
test('a connection that the server ends for being idle (ChannelTimeout) ends for its client, and the link stays', async (t) => {
  const sshd = await startSshd(t, { config: ['ChannelTimeout direct-tcpip=1'] });
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const client = await dial(relays.port('r'));
  client.write('half of it');
  await once(client, 'data');
  t.equal(await within('its end', fate(client)), 'end');
  t.equal(relays.status('r').standing.word, 'connected');
  t.equal((await exchange(relays.port('r'), 'the next one')).toString(), 'the next one');
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'over the same link');
});

test('a server that ends unused links (UnusedConnectionTimeout) is not stormed, and serves whoever comes', async (t) => {
  const sshd = await startSshd(t, { config: ['UnusedConnectionTimeout 1'] });
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const lost = await relays.next(
    'the loss',
    (event) => event.type === 'lane.changed' && event.state.at === 'dialing',
    relays.supervisor.status().id,
  );
  t.ok(lost);
  for (let n = 0; n < 3; n += 1) {
    t.equal((await exchange(relays.port('r'), `client ${n}`)).toString(), `client ${n}`);
    await relays.next(
      'another loss',
      (event) => event.type === 'lane.changed' && event.state.at === 'dialing',
      relays.supervisor.status().id,
    );
  }
  const logins = sshd.log().match(/Accepted publickey/g)?.length ?? 0;
  t.ok(logins <= 8, `${logins} logins`);
});

test('links that end again and again before they settle come ever more seldom, and at once for a client, where the one before was served', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  let rest = 0;
  while (rest < 4_000) {
    await relays.reach('r', 'connected');
    const { id } = relays.supervisor.status();
    sshd.killSessions();
    const lost = await relays.next('the loss', (event) => event.type === 'lane.changed', id);
    if (lost.type !== 'lane.changed' || lost.state.at !== 'waiting') continue;
    rest = lost.state.until - lost.state.from;
  }
  const began = performance.now();
  t.equal((await exchange(relays.port('r'), 'on demand')).toString(), 'on demand');
  const took = Math.round(performance.now() - began);
  t.comment(`rest=${Math.round(rest)}ms served=${took}ms`);
  t.ok(took < 2_500, `${took} ms, of a rest of ${rest}`);
});

test('a server that gave us up while we were frozen (ClientAliveInterval) is back within a second of the wake', async (t) => {
  const sshd = await startSshd(t, { config: ['ClientAliveInterval 1', 'ClientAliveCountMax 1'] });
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const worker = relays.worker('r');
  signalAll([worker], 'SIGSTOP');
  t.teardown(() => signalAll([worker], 'SIGCONT'));
  await sshd.waitForLog(/Timeout, client not responding/);
  const { id } = relays.supervisor.status();
  signalAll([worker], 'SIGCONT');
  const began = performance.now();
  await relays.next('a new link', (event) => event.type === 'link.opened', id);
  const took = Math.round(performance.now() - began);
  t.comment(`a new link ${took} ms after the wake`);
  t.ok(took < 1_000, `${took} ms`);
  t.equal(relays.worker('r'), worker, 'by the same worker');
  t.equal((await exchange(relays.port('r'), 'awake')).toString(), 'awake');
});

test('a ban that rejects looks like a closed port, and the relay is back when it is over', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  await sshd.stop();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  const waiting = await relays.next('a wait', (event) => event.type === 'lane.changed' && event.state.at === 'waiting');
  t.match(waiting, {
    state: { fault: { code: 'CONNECT_REFUSED', message: /nothing listens there, or a firewall rejects this address/ } },
  });
  await sshd.start();
  await relays.reach('r', 'connected', 4_000);
});
