import { createHmac, randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'tap';
import { loadKnownHosts } from '../../../../src/core/ssh/known-hosts/known-hosts.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

test('a million lines, hashed ones too, are searched for a host, and nothing else waits for that', async (t) => {
  const dir = makeTemp(t, 'kh');
  const key = makeKeyPair(join(dir, 'a')).publicKey;
  const blob = Buffer.from(key.split(' ')[1] ?? '', 'base64');
  const file = join(dir, 'known_hosts');
  const salt = randomBytes(20).toString('base64');
  const part = (from: number) =>
    Array.from({ length: 100_000 }, (_, n) => {
      const hash = Buffer.alloc(20, `${from}.${n}`).toString('base64');
      return n % 10 !== 0 ? `|1|${salt}|${hash} ${key}\n` : `host${from}-${n}.example.com ${key}\n`;
    }).join('');
  for (let from = 0; from < 10; from += 1) appendFileSync(file, part(from));
  appendFileSync(
    file,
    `|1|${salt}|${createHmac('sha1', Buffer.from(salt, 'base64')).update('last.example.com').digest('base64')} ${key}\n`,
  );
  const before = performance.now();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const known = await loadKnownHosts([file], null, { name: 'last.example.com', port: 2222 });
  const searched = performance.now();
  t.match(known.recognize('last.example.com', 2222, blob), { kind: 'known', line: 1_000_001 });
  t.strictSame(known.keyTypes('last.example.com', 2222), ['ssh-ed25519']);
  t.ok(performance.now() - searched < 50, 'all was searched before');
  delay.disable();
  const longest = delay.max / 1e6;
  t.comment(
    `a million lines, most of them hashed, two names: searched in ${(searched - before).toFixed()} ms, the event loop held for ${longest.toFixed()} ms at most, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB resident`,
  );
  t.ok(longest < 50, `${longest} ms`);
  t.throws(() => known.recognize('other', 22, blob), { code: 'INTERNAL' });
  t.ok(process.memoryUsage().rss < 1024 ** 3, "below a worker's limit");
});
