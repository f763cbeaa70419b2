import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Client, type ClientChannel } from 'ssh2';
import { type Test, test } from 'tap';
import type { PrivateClient } from '../../../src/core/ssh/innards.ts';
import { beginWindowsWith, provesHostKey } from '../../../src/core/ssh/internals.ts';
import { parseKeyFile } from '../../../src/core/ssh/identity/key-file.ts';
import { signWithKey } from '../../../src/core/ssh/identity/sign.ts';
import { type KeyTurn, takeTurns, wrapTurn } from '../../../src/core/ssh/login/key-door.ts';
import { writeKeyLogin, writeKeyQuery, writeSigned } from '../../../src/core/ssh/login/key-request.ts';
import { startEcho, startSink } from '../../fixtures/backend.ts';
import { hashOf, testBytes } from '../../fixtures/bytes.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { messagesIn, startRecorder } from '../../fixtures/recorder.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { startSshd } from '../../fixtures/sshd.ts';

/** Ends with the test. An error that stops a test is seen in what it waits for: one without a listener would fail it after its end, when sshd dies. */
function newClient(t: Test): Client {
  const client = new Client();
  t.teardown(() => client.end());
  client.on('error', () => undefined);
  return client;
}

test('ssh2 is the very version whose private fields are used', (t) => {
  const { version } = JSON.parse(readFileSync('node_modules/ssh2/package.json', 'utf8'));
  t.equal(version, '1.17.0', 'look at src/core/ssh/internals.ts before you raise it');
  t.end();
});

test('ssh2 has every private field that a login by key needs, in the form in which it is used', async (t) => {
  const sshd = await startSshd(t);
  const client = newClient(t);
  client.connect({
    host: '127.0.0.1',
    port: sshd.port,
    username: sshd.user,
    hostVerifier: () => true,
    authHandler: [],
  });
  const inner = client as unknown as PrivateClient;
  const protocol = inner._protocol;
  t.equal(protocol.authPK.length, 4, 'user, key, algorithm, sign');
  t.type(protocol._handlers['EXT_INFO'], 'function');
  t.equal(protocol._handlers['USERAUTH_FAILURE']?.length, 3, 'protocol, methods, partial');
  t.type(protocol._packetRW.write.alloc, 'function');
  t.type(protocol._packetRW.write.finalize, 'function');
  t.strictSame(protocol._authsQueue, []);
  t.equal(protocol._parse.length, 3, 'chunk, from, length');
  t.equal(protocol._buffer, undefined);
  t.strictSame([inner._forwarding, inner._forwardingUnix], [{}, {}]);
  await new Promise<void>((resolve) => client.once('handshake', () => resolve()));
  t.equal(protocol._packetRW.write.allocStart, 5);
  t.type(protocol._cipher.encrypt, 'function');
  t.type(protocol._cipher.allocPacket, 'function');
  t.ok(Buffer.isBuffer(protocol._kex.sessionID));
  t.equal(protocol._kex.finish.length, 1, 'whether it is early');
  t.equal(protocol._kexinit, undefined);
  t.equal(protocol._queue, undefined);
  t.match(inner._remoteVer, /^OpenSSH_/);
});

test('a host key that is proved and refused all the same ends it there, though the next message lies in the same chunk', async (t) => {
  const sshd = await startSshd(t);
  const recorder = await startRecorder(t, sshd.port);
  const client = newClient(t);
  const heard: string[] = [];
  client.on('error', (error) => heard.push(error.message));
  client.once('handshake', () => heard.push('handshake'));
  const proofs: boolean[] = [];
  client.connect({
    host: '127.0.0.1',
    port: recorder.port,
    username: sshd.user,
    hostVerifier: () => {
      proofs.push(provesHostKey(client));
      return false;
    },
    authHandler: [],
  });
  await new Promise<void>((resolve) => client.once('close', () => resolve()));
  t.same(proofs, [true]);
  t.same(heard, ['Host denied (verification failed)']);
  t.strictSame(messagesIn(await recorder.take()), [20, 30, 1]);
});

/** Logs in by turns that are given; true when the server let it in. */
async function logIn(t: Test, port: number, turns: (client: Client) => readonly KeyTurn[]): Promise<boolean> {
  const client = newClient(t);
  const left = [...turns(client)];
  const ended = new Promise<boolean>((resolve) => {
    client.once('ready', () => resolve(true));
    client.once('close', () => resolve(false));
  });
  client.connect({
    host: '127.0.0.1',
    port,
    username: 'anyone',
    hostVerifier: () => true,
    authHandler: () => {
      const turn = left.shift();
      return turn === undefined ? false : { type: 'publickey', username: 'anyone', key: wrapTurn(turn) };
    },
  });
  takeTurns(client, new AbortController().signal);
  return ended;
}

type Rekeying = PrivateClient['_protocol'] & { rekey(): void };

test('a request that is made while keys are exchanged waits for their end', async (t) => {
  const rogue = await startRogue(t, {});
  const dir = rogue.sshConfigFile.replace(/[^/]*$/, '');
  const parsed = parseKeyFile(readFileSync(`${dir}id`, 'utf8'));
  if (parsed.kind !== 'private') throw new Error(`the key is ${parsed.kind}`);
  const request = { user: 'anyone', algorithm: 'ssh-ed25519', blob: parsed.own.blob };
  let waited = 0;
  const entered = await logIn(t, rogue.port, (client) => {
    let session: Buffer = Buffer.alloc(0);
    return [
      {
        first: async (server) => {
          session = server.session;
          return writeKeyQuery(request);
        },
        second: async () => {
          const signature = await signWithKey(parsed.key, 'ssh-ed25519', writeSigned(request, session));
          const { _protocol: protocol } = client as unknown as { _protocol: Rekeying };
          protocol.rekey();
          // After the turn's promise, and before the answer of the server.
          setImmediate(() => {
            waited = protocol._queue?.length ?? 0;
          });
          return writeKeyLogin(request, signature);
        },
      },
    ];
  });
  t.equal(entered, true);
  t.equal(waited, 1, 'it was queued');
});

test('what a turn sends after the server has hung up is lost, and harms nobody', async (t) => {
  const sshd = await startSshd(t, { config: ['LoginGraceTime 1'] });
  let turns = 0;
  const entered = await logIn(t, sshd.port, (client) => {
    const late = (message: Buffer | null): KeyTurn => ({
      first: async () => {
        turns += 1;
        await once(client, 'end');
        return message;
      },
      second: async () => null,
    });
    return [late(Buffer.from([50])), late(null)];
  });
  t.equal(entered, false);
  t.equal(turns, 1);
});

test('a turn that sends nothing passes on to the next one', async (t) => {
  const sshd = await startSshd(t);
  let turns = 0;
  const pass: KeyTurn = {
    first: async () => {
      turns += 1;
      return null;
    },
    second: async () => null,
  };
  t.equal(await logIn(t, sshd.port, () => [pass, pass, pass]), false);
  t.equal(turns, 3);
});

test('a ping is answered in order, so that the next request gets its own answer', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const quick = await openTestLink(t, sshd, { keepalive: { interval: 50, count: 100 } });
  for (let n = 0; n < 20; n += 1) {
    quick.check(false);
    const channel = await quick.dial(
      { kind: 'tcp', host: '127.0.0.1', port: echo.port },
      { address: '127.0.0.1', port: 1 },
    );
    channel.resume();
    channel.close();
  }
  t.equal(quick.fault, null);
  t.equal(quick.facts.strict, true, 'strict key exchange is seen');
});

test('a server that rekeys every megabyte gets and gives every byte, with pooled padding and a checked key', async (t) => {
  const sshd = await startSshd(t, { config: ['RekeyLimit 1M'] });
  const size = 64 * 1024 * 1024;
  const sink = await startSink(t);
  const opened = await openTestLink(t, sshd);
  const began = performance.now();
  const answers = await Promise.all(
    [1, 2].map(async () => {
      const channel = await opened.dial(
        { kind: 'tcp', host: '127.0.0.1', port: sink.port },
        { address: '127.0.0.1', port: 1 },
      );
      let answer = '';
      channel.on('data', (chunk: Buffer) => {
        answer += String(chunk);
      });
      const ended = new Promise<void>((resolve) => channel.once('end', resolve));
      for (const chunk of testBytes(size)) {
        if (!channel.write(chunk)) await new Promise<void>((resolve) => channel.once('drain', resolve));
      }
      channel.end();
      await ended;
      return answer;
    }),
  );
  t.same(answers, [hashOf(testBytes(size)), hashOf(testBytes(size))]);
  t.comment(`128 MiB through a link that rekeys every MiB took ${Math.round(performance.now() - began)} ms`);
  t.equal(opened.fault, null);
});

test('channels that a server does not open leave nothing behind, though ssh2 never uses their numbers again', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const client = newClient(t);
  client.connect({ host: '127.0.0.1', port: sshd.port, username: sshd.user, privateKey: readFileSync(sshd.keyFile) });
  await once(client, 'ready');
  const sizes = new Map<number, number>();
  const begun = beginWindowsWith(client, () => 4096, sizes);
  const open = (port: number) =>
    new Promise<ClientChannel | null>((resolve) => {
      client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (error, channel) => resolve(error ? null : channel));
    });
  t.same(new Set(await Promise.all(Array.from({ length: 100 }, () => open(1)))), new Set([null]));
  t.equal(sizes.size, 0);
  const channel = await open(echo.port);
  if (channel === null) throw new Error('the echo was refused');
  t.equal(begun(channel), 4096);
  t.equal(sizes.size, 0);
});
