import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { startEcho, startSink } from '../../fixtures/backend.ts';
import { hashOf, testBytes } from '../../fixtures/bytes.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startSshd } from '../../fixtures/sshd.ts';

test('ssh2 is the very version whose private fields are used', (t) => {
  const { version } = JSON.parse(readFileSync('node_modules/ssh2/package.json', 'utf8'));
  t.equal(version, '1.17.0', 'look at src/core/ssh/internals.ts before you raise it');
  t.end();
});

test('a ping is answered in order, so that the next request gets its own answer', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  const quick = await openTestLink(t, sshd, { keepalive: { interval: 50, count: 100 } });
  for (let n = 0; n < 20; n += 1) {
    quick.check();
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
