import { test } from 'tap';
import { parseListen, parseTarget } from '../../../src/core/config/endpoint-text.ts';
import { parseForward } from '../../../src/core/config/forward-text.ts';
import { parseHost } from '../../../src/core/config/host-text.ts';
import type { Parsed } from '../../../src/core/config/problem.ts';
import { parseDuration, parseSize } from '../../../src/core/config/units.ts';
import { formatEndpoint, formatTarget } from '../../../src/core/model/endpoint.ts';

/** The value, or the sentence that refuses it. */
function outcome<Value>(parsed: Parsed<Value>, show: (value: Value) => string = String): string {
  return 'value' in parsed ? show(parsed.value) : parsed.trouble.message;
}

test('hosts are allow-listed', (t) => {
  for (const text of [
    'devbox',
    'me@devbox',
    'me@devbox:2222',
    'a.b-c_d',
    '10.0.0.5',
    '[::1]',
    'me@[fe80::1]:22',
    '::1',
    'ACME\\nina@devbox:2222',
    'ssh://devbox',
    'SSH://me@[::1]:22/',
    'ssh://ACME\\nina@devbox',
  ]) {
    t.equal(outcome(parseHost(text)), text);
  }
  for (const char of '\'"`$\\;&<>|(){},!#~*?=+/%^ \t\n\r\0\x7f\u202eü') {
    t.match(outcome(parseHost(`a${char}b`)), /not allowed in a host/, JSON.stringify(char));
    if (char !== '\\') t.match(outcome(parseHost(`a${char}b@host`)), /not allowed in a host/, JSON.stringify(char));
  }
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /empty/],
    ['-oProxyCommand=touch x', /begins with "-"/],
    ['-x@host', /begins with "-"/],
    ['me@-h', /begins with "-"/],
    ['@host', /user in "@host" is empty/],
    ['me@', /host in "me@" is empty/],
    ['a@b@c', /not a host/],
    ['http://u@h', /not allowed/],
    ['ssh://', /the host is empty/],
    ['ssh://u@', /host in "u@" is empty/],
    ['ssh://-oProxyCommand=x', /begins with "-"/],
    ['ssh://u%00@h', /"%" is not allowed/],
    ['ssh://h:0', /"0" is not a port/],
    ['ssh://h/path', /not allowed/],
    ['ssh://ssh://h', /not allowed/],
    ['ACME\\@h', /"ACME\\\\" is not a user name/],
    ['\\nina@h', /not allowed/],
    ['A\\B\\C@h', /not allowed/],
    ['h\\n', /not allowed/],
    ['u@h\\n', /not allowed/],
    ['u\nid@h', /control character/],
    ['h:0', /"0" is not a port/],
    ['h:70000', /"70000" is not a port/],
    ['h:2000blah', /"2000blah" is not a port/],
    ['h:', /"" is not a port/],
    ['[::1', /not a host/],
    ['[h]', /not a host name/],
    ['h'.repeat(321), /321 characters/],
  ];
  for (const [text, reason] of refused) t.match(outcome(parseHost(text)), reason, text);
  for (const [text, shown] of [
    ['root:hunter2@h', 'root:***@h'],
    ['root:hunt@er2@h:22', 'root:***@h:22'],
    ['ssh://root:hunter2@h:22/', 'ssh://root:***@h:22/'],
    ['SSH://root%3ahunter2@h', 'SSH://root:***@h'],
    ['sftp://:hunter2@h', 'sftp://:***@h'],
    ['ssh:/root:hunter2@h', 'ssh:***@h'],
  ] as const) {
    const parsed = parseHost(text);
    t.equal(outcome(parsed), `a password stands in "${shown}"`);
    t.notMatch(JSON.stringify(parsed), /hunt|er2/);
  }
  t.end();
});

test('listening ends', (t) => {
  const rows: readonly (readonly [string | number, string | RegExp])[] = [
    [8080, '127.0.0.1:8080'],
    ['8080', '127.0.0.1:8080'],
    [0, '127.0.0.1:0'],
    [65_535, '127.0.0.1:65535'],
    ['localhost:80', 'localhost:80'],
    ['[0:0::1]:80', '[::1]:80'],
    ['unix:/run/x.sock', 'unix:/run/x.sock'],
    [`unix:/${'x'.repeat(106)}`, `unix:/${'x'.repeat(106)}`],
    [`unix:/${'x'.repeat(107)}`, /108 bytes long/],
    ['unix:/run/\u00fc\n', /control character/],
    ['unix:x', /^the socket path "x" is not absolute$/],
    ['unix:/run/', /a folder/],
    ['host:80', /a name/],
    ['127.1:80', /a name/],
    ['*:80', /nothing to listen on/],
    [65_536, /out of range/],
    [-1, /not a port/],
    [1.5, /not a port/],
    ['22x', /nothing to listen on/],
    ['0x50', /nothing to listen on/],
    ['1e3', /nothing to listen on/],
    ['0080', /not a port/],
    ['', /nothing to listen on/],
  ];
  for (const [text, expected] of rows) t.match(outcome(parseListen(text), formatEndpoint), expected, String(text));
  t.end();
});

test('targets', (t) => {
  const rows: readonly (readonly [string | number, string | RegExp])[] = [
    [80, '127.0.0.1:80'],
    ['db.internal:5432', 'db.internal:5432'],
    ['localhost:80', 'localhost:80'],
    ['[::1]:80', '[::1]:80'],
    ['unix:/run/y', 'unix:/run/y'],
    ['backend', 'backend'],
    [0, /out of range/],
    ['db', /nothing to dial/],
    ['2130706433:80', /not a host name/],
    ['127.1:80', /not a host name/],
    ['-x:80', /not a host name/],
    ['[1:2]:80', /not a host name/],
    ['a b:80', /nothing to dial/],
  ];
  for (const [text, expected] of rows) t.match(outcome(parseTarget(text), formatTarget), expected, String(text));
  t.end();
});

test('short forms of a forward', (t) => {
  const rows: readonly (readonly [string, string | RegExp])[] = [
    ['5432', '127.0.0.1:5432 > 127.0.0.1:5432'],
    ['8080:10.0.0.5:80', '127.0.0.1:8080 > 10.0.0.5:80'],
    ['127.0.0.1:8080:db:5432', '127.0.0.1:8080 > db:5432'],
    ['[::1]:8080:[fe80::1]:80', '[::1]:8080 > [fe80::1]:80'],
    ['unix:/run/x.sock:db:5432', 'unix:/run/x.sock > db:5432'],
    ['8080:unix:/run/y.sock', '127.0.0.1:8080 > unix:/run/y.sock'],
    ['unix:/a:unix:/b', 'unix:/a > unix:/b'],
    ['0:db:80', '127.0.0.1:0 > db:80'],
    ['local:8080:db:80', '127.0.0.1:8080 > db:80'],
    ['remote:9000:127.0.0.1:3000', 'remote 127.0.0.1:9000 > 127.0.0.1:3000'],
    ['remote:9000', 'remote 127.0.0.1:9000 > 127.0.0.1:9000'],
    ['remote:unix:/run/a:unix:/run/b', 'remote unix:/run/a > unix:/run/b'],
    ['remote:9000:backend', /the backend is on the other/],
    ['remote:9000:80', /names no host/],
    ['remote:', /not a forward/],
    ['dynamic:1080', 'dynamic 127.0.0.1:1080 > nothing'],
    ['dynamic:[::1]:1080', 'dynamic [::1]:1080 > nothing'],
    ['dynamic:unix:/run/socks', 'dynamic unix:/run/socks > nothing'],
    ['dynamic:1080:db:80', /is nothing to listen on/],
    ['8080:80', /names no host/],
    ['0', /port 0 is out of range/],
    ['70000', /port 70000/],
    ['8080:db:70000', /port 70000/],
    ['8080:backend', '127.0.0.1:8080 > backend'],
    ['unix:./s.sock:127.0.0.1:9', /^the socket path "\.\/s\.sock" is not absolute$/],
    ['9:unix:~/s.sock', /^the socket path "~\/s\.sock" is not absolute$/],
    ['8080:db', /not a forward/],
    ['db', /not a forward/],
    ['', /not a forward/],
    ['1:'.repeat(600), /not a forward/],
  ];
  for (const [text, expected] of rows) {
    const shown = outcome(
      parseForward(text),
      ({ kind, listen, target }) =>
        `${kind === 'local' ? '' : `${kind} `}${formatEndpoint(listen)} > ${target === null ? 'nothing' : formatTarget(target)}`,
    );
    t.match(shown, expected, text);
  }
  for (const form of ['', 'remote:', 'local:']) {
    const read = parseForward(`${form}9000:80`);
    t.match('trouble' in read && read.trouble.expected, `such as "${form}9000:127.0.0.1:80"`, 'it keeps its direction');
  }
  t.end();
});

test('durations and sizes have a unit and bounds', (t) => {
  for (const [text, expected] of [
    ['500ms', '500'],
    ['15s', '15000'],
    ['10m', '600000'],
    ['1h', '3600000'],
    ['499ms', /too small/],
    ['2h', /too large/],
    ['15', /not a duration/],
    ['15 s', /not a duration/],
    ['1.5s', /not a duration/],
    ['-1s', /not a duration/],
    ['1constructor', /not a duration/],
    ['9999999999s', /not a duration/],
  ] as const) {
    t.match(outcome(parseDuration(text, '500ms', '1h')), expected, text);
  }
  t.equal(outcome(parseSize('512MiB', '64MiB', '64GiB')), String(512 * 1024 ** 2));
  t.match(outcome(parseSize('512MB', '64MiB', '64GiB')), /not a size/);
  t.end();
});
