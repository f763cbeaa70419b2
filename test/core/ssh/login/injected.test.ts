import { test } from 'tap';
import { openTestLink } from '../../../fixtures/link.ts';
import { clearPacket, kexInitPacket, startRaw } from '../../../fixtures/raw-server.ts';
import { startRogue } from '../../../fixtures/rogue-server.ts';

const greeting = Buffer.from('SSH-2.0-OpenSSH_9.2\r\n');
const lax = kexInitPacket(['curve25519-sha256']);
const strict = kexInitPacket(['curve25519-sha256', 'kex-strict-s-v00@openssh.com']);
const success = clearPacket(Buffer.from([52]));
const extensions = clearPacket(Buffer.from([7, 0, 0, 0, 0]));
const ignore = clearPacket(Buffer.from([2, 0, 0, 0, 0]));
const debug = clearPacket(Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, 0, 0]));

const injected: readonly (readonly [string, readonly Buffer[]])[] = [
  ['a login that nobody asked for, before the keys', [lax, success]],
  ['a login that nobody asked for, instead of a key exchange', [success]],
  ['extensions before the keys', [lax, extensions]],
  ['an ignored message while a strict key exchange runs', [strict, ignore]],
  ['a debug message while a strict key exchange runs', [strict, debug]],
  ['an ignored message before a strict key exchange', [ignore, strict]],
  ['a second beginning of the key exchange', [lax, lax]],
];

for (const [what, packets] of injected) {
  test(`${what} ends the handshake at once`, async (t) => {
    const server = await startRaw(t, Buffer.concat([greeting, ...packets]));
    const deadlines = { keyExchange: 60_000 };
    await t.rejects(openTestLink(t, server, { deadlines }), {
      code: 'HANDSHAKE_FAILED',
      message: /handshake with .* broke off/,
    });
  });
}

test('a greeting without an end is cut off, and what is none is called so', async (t) => {
  for (const text of ['and a happy new year\r\n', 'x\n', 'x'.repeat(5_000), `${'x'.repeat(5_000)}\n`]) {
    const server = await startRaw(t, Buffer.from(text.repeat(Math.ceil(2_000_000 / text.length))));
    const fault: unknown = await openTestLink(t, server).catch((error: unknown) => error);
    t.match(fault, {
      code: /^(?:PROTOCOL_ERROR|HANDSHAKE_FAILED)$/,
      message: /before an SSH greeting|is no SSH server/,
    });
  }
  const mysql = await startRaw(t, Buffer.from('J\0\0\0\n5.5.5-10\0\r\u0001x\n'));
  await t.rejects(openTestLink(t, mysql), { code: 'HANDSHAKE_FAILED', message: /is no SSH server: it says "J\\x00/ });
});

test('what a server says as it leaves is shown, not obeyed, and cut', async (t) => {
  const said = `\u001b]52;c;ZXZpbA==\u0007\u001b[2J\r\u202eevil ${'x'.repeat(20_000)}`;
  const size = (length: number) => Buffer.from([0, 0, length >> 8, length & 255]);
  const text = Buffer.from(said);
  const disconnect = clearPacket(Buffer.concat([Buffer.from([1, 0, 0, 0, 2]), size(text.length), text, size(0)]));
  const server = await startRaw(t, Buffer.concat([greeting, disconnect]));
  const fault: unknown = await openTestLink(t, server).catch((error: unknown) => error);
  t.match(fault, { code: 'SERVER_BUSY', message: /\\x1b\]52;c;ZXZpbA==\\x07\\x1b\[2J\\r\\u\{202e\}evil x+\.\.\./ });
  t.notMatch(String(fault), /[\p{Cc}\p{Cf}]/u);
  t.ok(String(fault).length < 800);
});

test('chacha20, or CBC with etm, without strict key exchange ends before anybody logs in', async (t) => {
  const algorithms = { kex: null, macs: null, hostKeys: null, hostKeysVerbatim: false, inherited: [] };
  for (const cipher of ['chacha20-poly1305@openssh.com', 'aes128-cbc'] as const) {
    const server = await startRogue(t, { laxCipher: cipher });
    await t.rejects(openTestLink(t, server, { edit: () => ({ algorithms: { ...algorithms, ciphers: [cipher] } }) }), {
      code: 'STRICT_KEX_MISSING',
      message: new RegExp(`negotiated ${cipher} without strict key exchange \\(Terrapin, CVE-2023-48795\\)`),
    });
    t.equal(server.attempts(), 0, 'not one request to be let in');
  }
});

test('a server without strict key exchange is used with a cipher that does not need it, and the lack is told', async (t) => {
  const server = await startRogue(t, { laxCipher: 'aes128-gcm@openssh.com' });
  const notes: string[] = [];
  const link = await openTestLink(t, server, { notes });
  t.equal(link.facts.strict, false);
  t.ok(server.attempts() > 0, 'the count counts');
  t.match(
    notes.join('\n'),
    /lacks strict key exchange \(Terrapin, CVE-2023-48795\), which aes128-gcm@openssh\.com does not need/,
  );
});
