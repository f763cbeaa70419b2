import { test } from 'tap';
import { formatAddress, formatEndpoint, isLoopback, parseEndpoint } from '../../../src/core/model/endpoint.ts';

const good: readonly (readonly [string, string])[] = [
  ['5432', '127.0.0.1:5432'],
  ['127.0.0.1:8787', '127.0.0.1:8787'],
  ['db.internal:5432', 'db.internal:5432'],
  ['[::1]:8080', '[::1]:8080'],
  ['unix:/run/x.sock', 'unix:/run/x.sock'],
  ['0', '127.0.0.1:0'],
];

test('an endpoint reads and writes as a user would', (t) => {
  for (const [text, shown] of good) {
    const endpoint = parseEndpoint(text);
    t.equal(endpoint === null ? null : formatEndpoint(endpoint), shown, text);
  }
  t.end();
});

test('an address has brackets around IPv6, whoever logs in there', (t) => {
  t.equal(formatAddress({ hostName: 'fe80::1%eth0', port: 22 }), '[fe80::1%eth0]:22');
  t.equal(formatAddress({ user: 'me', hostName: '::1', port: 2222 }), 'me@[::1]:2222');
  t.equal(formatAddress({ user: 'me', hostName: 'box', port: 22 }), 'me@box:22');
  t.end();
});

test('what is no endpoint is refused', (t) => {
  for (const text of [
    '',
    ':80',
    'a b:80',
    '127.0.0.1',
    'h:70000',
    '::1:80',
    'unix:relative',
    'unix:/a\0b',
    '1e3',
    '-1',
    'h:0x50',
  ]) {
    t.equal(parseEndpoint(text), null, JSON.stringify(text));
  }
  t.end();
});

test('loopback is what only this machine can reach', (t) => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) t.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.evil.test', '127.0.0.1.evil.test', 'localhost6'])
    t.notOk(isLoopback(host), host);
  t.end();
});
