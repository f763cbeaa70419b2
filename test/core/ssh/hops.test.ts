import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import type { Fault } from '../../../src/core/model/fault.ts';
import { resolveRoute } from '../../../src/core/ssh/route.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { within } from '../../fixtures/wait.ts';
import type { Owner } from '../../fixtures/temp.ts';

/** Three jump hosts and what is behind them, each with its own port, key, known_hosts and alias: `test`, `b`, `c`, then `inner`. */
async function fourHosts(t: Owner): Promise<readonly [Sshd, Sshd, Sshd, Sshd]> {
  const hosts = [
    await startSshd(t),
    await startSshd(t),
    await startSshd(t, { hostKeys: ['rsa'] }),
    await startSshd(t),
  ] as const;
  const names = ['test', 'b', 'c', 'inner'];
  for (const [index, host] of hosts.entries()) {
    if (index === 0) continue;
    appendFileSync(
      hosts[0].sshConfigFile,
      readFileSync(host.sshConfigFile, 'utf8').replace('Host test', `Host ${names[index]}`),
    );
  }
  appendFileSync(hosts[0].sshConfigFile, '  ProxyJump test,b,c\n');
  return hosts;
}

test('three jump hosts deep, each fault names its hop', async (t) => {
  const hosts = await fourHosts(t);
  const [first, second, third, last] = hosts;
  const open = () => openTestLink(t, first, { host: 'inner' });
  const link = await open();
  t.match(link.facts, { route: ['test', 'b', 'c'], hostKey: last.hostKeyFingerprint });
  link.close();

  for (const [index, host] of hosts.entries()) {
    const where = `hop ${index + 1} \\(\\w+@127\\.0\\.0\\.1:${host.port}\\)`;
    const known = readFileSync(host.knownHostsFile, 'utf8');
    writeFileSync(host.knownHostsFile, '');
    await t.rejects(open(), { code: 'HOST_KEY_UNKNOWN', message: new RegExp(`^the host key of ${where}`) });
    writeFileSync(host.knownHostsFile, known);
    host.revokeKeys();
    await t.rejects(open(), { code: 'AUTH_REJECTED', message: new RegExp(`^${where} rejected`) });
    host.allowKey(host.publicKey);
  }

  for (const [index, host] of [first, second, third].entries()) {
    const living = await open();
    const lost = within('the loss', new Promise<Fault>((resolve) => living.onLost(resolve)));
    host.killSessions();
    // The nearest host that is gone is the cause, whoever is behind it.
    t.match(await lost, {
      code: 'LINK_LOST',
      message: new RegExp(`the link to hop ${index + 1} \\(.*:${host.port}\\) was lost`),
    });
  }
});

test('a jump host that refuses to forward is named, with the host that it should have reached', async (t) => {
  const [jump, target] = [await startSshd(t, { config: ['AllowTcpForwarding no'] }), await startSshd(t)];
  appendFileSync(
    jump.sshConfigFile,
    `${readFileSync(target.sshConfigFile, 'utf8').replace('Host test', 'Host inner')}  ProxyJump test\n`,
  );
  await t.rejects(openTestLink(t, jump, { host: 'inner' }), {
    code: 'FORWARDING_REFUSED',
    message: new RegExp(
      `^hop 1 \\(.*:${jump.port}\\) refuses to forward to 127\\.0\\.0\\.1:${target.port}; check AllowTcpForwarding`,
    ),
  });
});

test('a loop of jump hosts is refused, however long, and so is a host that leads through itself', async (t) => {
  const sshd = await startSshd(t);
  const options = { sshConfig: sshd.sshConfigFile, home: sshd.home, localUser: 'me', env: {} };
  appendFileSync(
    sshd.sshConfigFile,
    ['Host a', 'ProxyJump b', 'Host b', 'ProxyJump c', 'Host c', 'ProxyJump a', 'Host self', 'ProxyJump self', ''].join(
      '\n',
    ),
  );
  for (const host of ['a', 'b', 'self']) {
    await t.rejects(resolveRoute(host, options), { code: 'SSH_CONFIG_INVALID', message: /ProxyJump/ }, host);
  }
});
