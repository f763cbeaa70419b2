import { test } from 'tap';
import type { Backend } from '../../../src/core/model/backend.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import { checkToken } from '../../../src/core/probe/token-check.ts';
import { remoteHost } from '../../../src/core/ssh/link/remote-host.ts';
import { witness } from '../../../src/core/probe/witness.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { startSly } from '../../fixtures/sly.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import type { Owner } from '../../fixtures/temp.ts';

const signal = new AbortController().signal;
const asRoot = process.getuid?.() === 0;
const from = { address: '127.0.0.1', port: 0 };
const door = { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' } as const;

async function startHost(t: Owner, config: readonly string[] = []) {
  const link = await openTestLink(t, await startSshd(t, { config }));
  const backendAt = (port: number, over: Partial<Backend> = {}): Backend => ({
    target: { kind: 'tcp', host: '127.0.0.1', port },
    run: null,
    adopted: true,
    door,
    opens: null,
    says: '',
    ...over,
  });
  return { link, host: remoteHost(link), backendAt };
}

test('another user who has the port of a backend without a verify is refused by name, and sees no token', {
  skip: asRoot ? false : 'needs root, to be two users',
}, async (t) => {
  const { link, host, backendAt } = await startHost(t);
  const sly = await startSly(t);
  const message = new RegExp(`^port ${sly.port} on .* belongs to a process of uid 65534, not to uid 0 `);
  const refused = { code: 'BACKEND_FOREIGN', message, detail: { uid: 65_534 } };
  await t.rejects(witness(host, backendAt(sly.port), signal), refused);
  // Whose plugin cannot say is looked at too, at the proof.
  const unsure = await witness(host, backendAt(sly.port, { verify: async () => false }), signal);
  const dial = () => link.dial(backendAt(sly.port).target, from);
  await t.rejects(checkToken(dial, door, new Secret('the-right-one'), signal, unsure), refused);
  t.match(sly.seen(), /token=/, 'a wrong one was tried');
  t.notMatch(sly.seen(), 'the-right-one');
  const sure = await witness(host, backendAt(sly.port, { verify: async () => true }), signal);
  t.equal(await sure(signal), true, 'the plugin knows better');
});

test('who has the same port of another address is nobody to whom a connection comes', {
  skip: asRoot ? false : 'needs root, to be two users',
}, async (t) => {
  const { host, backendAt } = await startHost(t);
  const at = (port: number, address: string) =>
    witness(host, backendAt(port, { target: { kind: 'tcp', host: address, port } }), signal);
  const refused = { code: 'BACKEND_FOREIGN', detail: { uid: 65_534 } };
  const addresses = ['127.0.0.1', '127.0.0.2', '::1'] as const;
  const cases = [
    [{ host: '::1' }, { '127.0.0.1': true, '127.0.0.2': true, '::1': false }],
    [{ host: '127.0.0.1' }, { '127.0.0.1': false, '127.0.0.2': true, '::1': true }],
    [{ host: '0.0.0.0' }, { '127.0.0.1': false, '127.0.0.2': false, '::1': true }],
    [{ host: '::ffff:127.0.0.2' }, { '127.0.0.1': true, '127.0.0.2': false, '::1': true }],
    [{ host: '::' }, { '127.0.0.1': false, '127.0.0.2': false, '::1': false }],
  ] as const;
  for (const [listen, own] of cases) {
    const { port } = await startSly(t, listen);
    for (const address of addresses) {
      const looked = at(port, address);
      if (own[address]) t.equal(await (await looked)(signal), false, `${listen.host} is not ${address}`);
      else await t.rejects(looked, refused, `${listen.host} serves ${address}`);
    }
    if (listen.host !== '::ffff:127.0.0.2')
      await t.rejects(at(port, 'localhost'), refused, `localhost may be ${listen.host}`);
  }
  // Another user's on all of IPv6 does not stand in the way of our own on the very address.
  const { port } = await startSly(t, { host: '::', ipv6Only: true });
  const echo = await startEcho(t, port);
  t.equal(await (await at(port, '127.0.0.1'))(signal), true);
  await t.rejects(at(port, '::1'), refused);
  await t.rejects(at(port, 'localhost'), refused);
  await echo.close();
});

test('who came to listen after the first look is known from the proof on, and nobody else then', async (t) => {
  const { host, backendAt } = await startHost(t);
  const port = await freePort();
  for (const over of [{}, { verify: async () => false }]) {
    const verify = await witness(host, backendAt(port, over), signal);
    t.equal(await verify(signal), false, 'nobody is shown: another kernel may have the port');
    const first = await startEcho(t, port);
    t.equal(await verify(signal), true);
    t.equal(await verify(signal), true);
    await first.close();
    const second = await startEcho(t, port);
    await t.rejects(verify(signal), {
      code: 'BACKEND_FOREIGN',
      message: /another listener than the one that was proved/,
    });
    await second.close();
  }
});

test('a host that shows nothing is not asked again and again, and says neither yes nor no', async (t) => {
  const { host, backendAt } = await startHost(t, ['ForceCommand /bin/false']);
  const { port } = await startEcho(t);
  const verify = await witness(host, backendAt(port), signal);
  t.equal(await verify(signal), false);
  const foreign = new Fault('BACKEND_FOREIGN', 'it is another one');
  const deaf = new Fault('REMOTE_REFUSED', 'it runs no commands');
  const blind = await witness(host, backendAt(port, { verify: () => Promise.reject(deaf) }), signal);
  t.equal(await blind(signal), false, 'nor does a plugin that may not look');
  const knows = await witness(host, backendAt(port, { verify: () => Promise.reject(foreign) }), signal);
  await t.rejects(knows(signal), { code: 'BACKEND_FOREIGN' });
});
