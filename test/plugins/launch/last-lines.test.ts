import { test } from 'tap';
import { Secret } from '../../../src/plugin.ts';
import { hideSecrets, readyPatterns } from '../../../src/plugins/launch/hide-secrets.ts';
import { LastLines } from '../../../src/plugins/launch/last-lines.ts';

function shown(text: string, patterns: readonly RegExp[] = [], secret = ''): string {
  const lines = new LastLines(patterns);
  if (secret !== '') lines.hide(new Secret(secret));
  for (let at = 0; at < text.length; at += 1000) lines.add(Buffer.from(text.slice(at, at + 1000)));
  return lines.sentence;
}

test('the last three lines are shown, without what a terminal would obey', (t) => {
  t.equal(shown(''), 'it printed nothing');
  t.equal(shown('one\ntwo\r\n\nthree\nfour\n'), 'last output: "two", "three", "four"');
  t.equal(
    shown('\u001b[31mred\u001b(B\u001b[m \u001b]52;c;aGk=\u0007x\u0000\u202e'),
    'last output: "red x\\x00\\u{202e}"',
  );
  t.equal(shown(`a ${'b'.repeat(200)}`), `last output: "a ${'b'.repeat(98)}"`);
  t.end();
});

test('a sequence that never ends takes no other line with it', (t) => {
  t.equal(shown('one\n\u001b]0;two\nthree\n'), 'last output: "one", "three"');
  t.equal(shown('one\u001b\n\u001b['), 'last output: "one\\x1b"');
  t.end();
});

test('tokens are hidden by value, by the pattern of the recipe, and by what stands before them', (t) => {
  t.equal(shown('it is s3/cret, or s3%2Fcret', [], 's3/cret'), 'last output: "it is [secret], or [secret]"');
  t.equal(shown('pairing: abc\nagain: abc', [/pairing: (\S+)/u]), 'last output: "pairing: [secret]", "again: abc"');
  for (const line of ['?token=abc', 'Password: abc', '"api_key": "abc', 'secret=abc']) {
    t.match(shown(line), /\[secret\]/, line);
    t.notMatch(shown(line), /abc/, line);
  }
  t.equal(shown('0123456789abcdef0123456789abcdef'), 'last output: "[secret]"');
  t.equal(
    shown('no /home/me/project-2026/build-output/x1 here'),
    'last output: "no /home/me/project-2026/build-output/x1 here"',
  );
  for (const path of [
    'packages/server-2026/build-output/index2',
    '/srv/customer-portal-2026-staging/server',
    './node_modules/vite5/dist/node/chunks',
    '--root=/home/me/projects-2026/server/src',
    '/home/me/.local/share/fnm/node-versions/v20.11.1/installation/bin',
    'private key: /etc/ssl/private/site-2026.key',
    'token: ~/.config/server2/token',
    'x/src/plugins/token/very/long/path/plugin2.ts:10:4',
  ])
    t.equal(shown(path), `last output: "${path}"`);
  for (const secret of [
    'token: /9j4AAQSkZJRgABAQ',
    'password: /etc/passwd/words',
    'q83vEjRWeJCrze8SNFZ4/KvN7xI0VnQq83vEjRWeJA=',
    '/q83vEjRWeJCrze8SNFZ4/KvN7xI0VnQq83vEjRWeJA=',
    'q83vEjRWeJCrze8SNFZ4kKvN7xI0VnQq83vEjRWeJA==',
    'Q29ycmVjdEhvcnNlQmF0dGVyeVN0YXBsZQ2',
  ])
    t.notMatch(shown(secret), /q83|kvN|KvN|words|Q29|9j4/, secret);
  t.equal(shown('at packages/a1b2c3d4e5f6a7b8c9d0/x'), 'last output: "at packages/[secret]/x"');
  t.equal(shown('/srv/known/2026', [], '/srv/known/2026'), 'last output: "[secret]"');
  t.equal(shown('in /run/0123456789abcdef0123456789abcdef/x'), 'last output: "in /run/[secret]/x"');
  t.equal(
    shown('/h/.local/state/towline/backends/devbox-123/box/command: 1: npm: not found'),
    'last output: "1: npm: not found"',
  );
  t.end();
});

test('a token is hidden wherever it stands in a long line', (t) => {
  const patterns = readyPatterns([/pairing: (\S+)/u]);
  for (const before of [0, 1015, 2000, 2040, 5000]) {
    const line = `${'a '.repeat(before / 2)}pairing: abc${' b'.repeat(3000)}`;
    t.equal(hideSecrets(line, { secrets: [], patterns }), line.replace('abc', '[secret]'), String(before));
  }
  t.end();
});

test('a line of which only the end is kept never shows half a token', (t) => {
  t.equal(shown('x'.repeat(9000)), 'what it printed last has no line that can be shown');
  t.equal(shown(`token=${'x'.repeat(9000)} rest`), 'last output: "rest"');
  t.equal(shown(`${'a'.repeat(9000)}\nwhole`), 'last output: "whole"');
  t.end();
});
