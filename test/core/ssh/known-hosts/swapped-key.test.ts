import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { trustRoute } from '../../../../src/core/ssh/known-hosts/trust-route.ts';
import { freePermit, openLink } from '../../../../src/core/ssh/open-link.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { startRoad } from '../../../fixtures/impairment.ts';
import { hostKeyOffset } from '../../../fixtures/key-reply.ts';
import { messagesIn, startRecorder } from '../../../fixtures/recorder.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp, type Owner } from '../../../fixtures/temp.ts';
import { checkedHost } from './both.ts';

const options = {
  deadlines: { tcp: 5_000, greeting: 5_000, keyExchange: 10_000, auth: 20_000, open: 5_000 },
  ask: () => Promise.reject(new Fault('NEEDS_ANSWER', 'nobody is there to answer; ask later')),
  env: {},
  onStage: () => undefined,
  onNote: () => undefined,
  signal: new AbortController().signal,
};

const dial = (host: HostConfig) =>
  openLink({
    ...options,
    route: [host],
    keepalive: null,
    quicken: true,
    permit: async () => freePermit,
  });

test('a host whose key is not accepted gets its key exchange and a farewell: not one byte of a name, a key or a token', async (t) => {
  const sshd = await startSshd(t);
  const recorder = await startRecorder(t, sshd.port);
  const dir = makeTemp(t, 'kh');
  const other = makeKeyPair(join(dir, 'k')).publicKey;
  const H = `[127.0.0.1]:${recorder.port}`;
  const [real = ''] = sshd.hostKeys;
  const texts = {
    changed: `${H} ${other}\n`,
    revoked: `@revoked * ${real}\n${H} ${real}\n`,
    authority: `@cert-authority * ${other}\n`,
    unknown: '',
  };
  const trust = (host: HostConfig) =>
    trustRoute([host], { ...options, decide: ({ why }) => Promise.reject(why) }).then(() => 'trusted');
  const ways: readonly (readonly [string, (host: HostConfig) => Promise<unknown>, 'yes' | 'accept-new'])[] = [
    ['a relay with yes', dial, 'yes'],
    ['a relay with accept-new', dial, 'accept-new'],
    ['trust', trust, 'yes'],
    ['trust with accept-new', trust, 'accept-new'],
  ];
  let compared = 0;
  for (const [kind, text] of Object.entries(texts)) {
    for (const [name, go, checking] of ways) {
      if (kind === 'unknown' && go === dial && checking === 'accept-new') continue;
      const file = join(dir, 'known_hosts');
      writeFileSync(file, text);
      const host = { ...checkedHost(sshd, { checking, files: [file] }), port: recorder.port };
      await t.rejects(go(host), { code: /^HOST_KEY_/ }, `${name}: ${kind}`);
      // KEXINIT, KEX_ECDH_INIT, DISCONNECT.
      t.strictSame(messagesIn(await recorder.take()), [20, 30, 1], `${name}: ${kind}`);
      compared += 1;
    }
  }
  t.equal(compared, 15);
});

test('a host key that a bit was flipped in on the way is no changed key: its host did not sign with it', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 200'] });
  const at = await hostKeyOffset(sshd.port);
  const road = await startRoad(t, sshd.port);
  const recorder = await startRecorder(t, road.port);
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const [real = ''] = sshd.hostKeys;
  writeFileSync(file, `[127.0.0.1]:${recorder.port} ${real}\n`);
  const host = { ...checkedHost(sshd, { checking: 'yes', files: [file] }), port: recorder.port };
  const trust = () => trustRoute([host], { ...options, decide: ({ why }) => Promise.reject(why) });
  // All of an ed25519 key: its type, then the key itself.
  const places = Array.from({ length: 51 }, (_, n) => at + n);
  const key = 4 + 'ssh-ed25519'.length;
  t.match(real, /^ssh-ed25519 /);
  for (const [n, place] of places.entries()) {
    const off = road.add({ kind: 'xor', at: place, mask: 1 << (n % 8) }, 'down');
    const error = await (n % 2 === 0 ? dial(host) : trust()).then(
      () => null,
      (error: unknown) => Fault.from(error),
    );
    off();
    // Lengths that make no sense have no signature to look at.
    t.match(error, { code: 'HANDSHAKE_FAILED' }, `byte ${n}: ${error?.code} ${error?.message}`);
    if (n >= key + 4) t.match(error?.message, /did not prove the host key that arrived \(SHA256:/);
    t.strictSame(messagesIn(await recorder.take()), [20, 30, 1], `byte ${n}: nothing but a farewell`);
  }
  const link = await dial(host);
  link.close();
});

test('a key that is trusted is only looked at: nobody logs in for it', async (t) => {
  const sshd = await startSshd(t);
  const recorder = await startRecorder(t, sshd.port);
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const host = { ...checkedHost(sshd, { checking: 'yes', files: [file] }), port: recorder.port };
  for (const result of ['written', 'known'] as const) {
    t.match(await trustRoute([host], { ...options, decide: async () => undefined }), [{ result }]);
    t.strictSame(messagesIn(await recorder.take()), [20, 30, 1], result);
  }
  t.ok(existsSync(file));
  const link = await dial(host);
  link.close();
  const sent = await recorder.take();
  t.throws(() => messagesIn(sent), 'a login would show');
});

/** A door before a server that spoils the signature by which it proves its host key (RFC 4253 section 8). */
async function startForger(t: Owner, port: number): Promise<number> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    let heard = Buffer.alloc(0);
    let passed = 0;
    far.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      let at = heard.indexOf('\n') + 1;
      while (at > 0 && at + 6 <= heard.length && heard.length >= at + 4 + heard.readUInt32BE(at)) {
        const end = at + 4 + heard.readUInt32BE(at);
        const [reply, newKeys] = [31, 21];
        if (heard[at + 5] === reply) {
          const last = end - (heard[at + 4] ?? 0) - 5;
          heard[last] = (heard[last] ?? 0) ^ 1;
        }
        near.write(heard.subarray(passed, end));
        passed = end;
        if (heard[at + 5] === newKeys) far.removeAllListeners('data').pause();
        at = heard[at + 5] === newKeys ? heard.length : end;
      }
    });
    near.once('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

test('a key is not written down before its server has proved that it is its own', async (t) => {
  const sshd = await startSshd(t);
  const port = await startForger(t, sshd.port);
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const host = { ...checkedHost(sshd, { checking: 'accept-new', files: [file] }), port };
  await t.rejects(dial(host), { code: 'HANDSHAKE_FAILED', message: /signature/i });
  t.notOk(existsSync(file));
});

test('nobody logs in while a new key is written down, and not at all when another one was known first', async (t) => {
  const sshd = await startSshd(t, { config: ['LogLevel DEBUG3'] });
  const dir = makeTemp(t, 'kh');
  const file = join(dir, 'known_hosts');
  const lock = `${file}.towline-lock`;
  const other = makeKeyPair(join(dir, 'k')).publicKey;
  // As another worker of ours would hold it.
  writeFileSync(lock, `${process.pid} ${hostname()}\n`);
  const from = sshd.log().length;
  const refused = dial(checkedHost(sshd, { checking: 'accept-new', files: [file] })).then(
    () => null,
    (error: unknown) => Fault.from(error),
  );
  await sshd.waitForLog(/SSH2_MSG_NEWKEYS received/, from);
  writeFileSync(file, `[127.0.0.1]:${sshd.port} ${other}\n`);
  rmSync(lock);
  t.match(await refused, { code: 'HOST_KEY_CHANGED' });
  await sshd.waitForLog(/Connection closed by|Connection reset by/, from);
  t.notMatch(sshd.log().slice(from), /userauth-request/);
  t.equal(readFileSync(file, 'utf8'), `[127.0.0.1]:${sshd.port} ${other}\n`);
});
