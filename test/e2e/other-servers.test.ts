import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import type { Endpoint } from '../../src/core/model/endpoint.ts';
import type { Link } from '../../src/core/ssh/link/link.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { openTestLink } from '../fixtures/link.ts';
import { within } from '../fixtures/wait.ts';

const target: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: ECHO_PORT };
const from = { address: '127.0.0.1', port: 1 };

async function echoed(link: Link, text: string): Promise<string> {
  const channel = await link.dial(target, from);
  const chunks: Buffer[] = [];
  channel.on('data', (chunk: Buffer) => chunks.push(chunk));
  channel.end(text);
  await within('the end of the answer', once(channel, 'end'));
  return Buffer.concat(chunks).toString();
}

for (const release of ['bookworm', 'trixie'] as const) {
  test(`bytes go through the dropbear of ${release}, and its quiet link is not mistaken for a dead one`, async (t) => {
    const host = await startContainer(t, { release, server: 'dropbear' });
    const link = await openTestLink(t, host, { keepalive: { interval: 100, count: 2 } });
    t.match(link.facts.server, /^SSH-2\.0-dropbear/);
    t.equal(link.facts.strict, true);
    const text = 'x'.repeat(3_000_000);
    t.ok((await echoed(link, text)) === text, 'three megabytes and back');
    // Five times as long as a silent server would be given: each ping must have been answered.
    await sleep(1_500);
    t.equal(link.fault, null);
    await t.rejects(link.dial({ kind: 'tcp', host: '127.0.0.1', port: 9 }, from), { code: 'TARGET_REFUSED' });
    t.equal(await echoed(link, 'still there'), 'still there');
  });
}

test('a tinyssh from before strict key exchange is refused by name: it has chacha20 only', async (t) => {
  const host = await startContainer(t, { release: 'bookworm', server: 'tinyssh' });
  await t.rejects(openTestLink(t, host), {
    code: 'STRICT_KEX_MISSING',
    message: /negotiated chacha20-poly1305@openssh\.com without strict key exchange/,
  });
  t.notMatch(host.log(), /auth/, 'nobody tried to log in');
});

test('a tinyssh with strict key exchange lets us in by chacha20, and says that it forwards nothing', async (t) => {
  const host = await startContainer(t, { release: 'trixie', server: 'tinyssh' });
  const link = await openTestLink(t, host);
  t.match(link.facts, { strict: true, hostKey: /^SHA256:/ });
  await t.rejects(link.dial(target, from), {
    code: 'FORWARDING_REFUSED',
    message: /refuses to forward to 127\.0\.0\.1:7007/,
  });
  t.equal(link.fault, null, 'the link lives');
  await host.waitForLog(/auth/);
});

test('bytes go through OpenSSH 10, with strict key exchange and its newer defaults', async (t) => {
  const host = await startContainer(t, { release: 'trixie' });
  const link = await openTestLink(t, host);
  t.match(link.facts, { strict: true, server: /^SSH-2\.0-OpenSSH_10/ });
  const text = 'y'.repeat(3_000_000);
  t.ok((await echoed(link, text)) === text, 'three megabytes and back');
});
