import { appendFileSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { startEcho } from '../../fixtures/backend.ts';
import { exchange } from '../../fixtures/client.ts';
import { freePort } from '../../fixtures/port.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';

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
