import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { checkHost, checkUser, parseHostSpec } from '../../../../src/core/ssh/resolve/host-name.ts';

const good: readonly [string, string | null, string, number | null][] = [
  ['devbox', null, 'devbox', null],
  ['ml@10.0.0.7', 'ml', '10.0.0.7', null],
  ['ml@10.0.0.7:2222', 'ml', '10.0.0.7', 2222],
  ['a@b@c', 'a@b', 'c', null],
  ['::1', null, '::1', null],
  ['u@::1', 'u', '::1', null],
  ['fe80::1%eth0', null, 'fe80::1%eth0', null],
  ['[::1]', null, '::1', null],
  ['u@[::1]:22', 'u', '::1', 22],
  ['ssh://h', null, 'h', null],
  ['SSH://u@h:65535/', 'u', 'h', 65_535],
  ['ssh://u%2Bx@h', 'u+x', 'h', null],
  ['ssh://[::1]:22', null, '::1', 22],
  ['under_score.example-1.com', null, 'under_score.example-1.com', null],
  ['büro', null, 'büro', null],
  ['DOMAIN.user@h', 'DOMAIN.user', 'h', null],
  ['ACME\\nina@h', 'ACME\\nina', 'h', null],
];

test('a host is read with its user and port', async (t) => {
  for (const [text, user, host, port] of good) t.strictSame(parseHostSpec(text), { user, host, port }, text);
});

const evil = [...'\'"`$\\;&<>|(){}, \t\n\r\0\x1b\u202e*?!#[]/'];
const bad = [
  '',
  '@',
  'u@',
  '@h',
  '-oProxyCommand=touch x',
  'u@-h',
  '-x@h',
  'u\nid@h',
  '$[+]\nid@h',
  'u;id@h',
  'u -o@h',
  'u\\@h',
  'ssh://u%00@h',
  'ssh://u%zz@h',
  'ssh://h:0',
  'ssh://h/path',
  '[::1',
  '[::1]x',
  '[h]:22',
  'h:',
  'h:70000',
  'h:0',
  'h:-1',
  'h:2000blah',
  'h:1e3',
  'h:22:33',
  'a$(id)',
  `h${'x'.repeat(255)}`,
  ...evil.map((character) => `a${character}b`),
];

test('a host with anything that must not reach ssh is refused', async (t) => {
  for (const text of bad) {
    t.throws(() => parseHostSpec(text), { code: 'HOST_INVALID' }, JSON.stringify(text));
  }
});

test('a refused name is shown escaped and short', async (t) => {
  try {
    parseHostSpec(`h\x1b]52;${'x'.repeat(1000)}`);
    t.fail('it was accepted');
  } catch (error) {
    const { message } = Fault.from(error);
    t.notMatch(message, /\p{Cc}/u);
    t.ok(message.length < 200, message);
  }
});

test('a refusal names the character and the place', async (t) => {
  t.throws(() => parseHostSpec('a;b'), {
    message: 'host "a;b" has the character ";", which is not allowed; correct it',
  });
  t.throws(() => checkHost('-x', 'f:1: '), { message: `f:1: host "-x" must not start with '-'; correct it` });
  t.throws(() => checkUser('', 'f:2: '), { message: 'f:2: user "" is empty; name one' });
});
