import { test } from 'tap';
import { forwardText, readHost, readListen, readNewName, readPort } from '../../src/cli/relay-answers.ts';
import type { OpenConfig } from '../../src/core/config/edit/open-config.ts';
import { parseForward } from '../../src/core/config/forward-text.ts';
import { parseConfig } from '../../src/core/config/parse.ts';

const text = '{ "relays": { "db": { "host": "h", "forwards": ["5432", "unix:/run/a.sock:db:1"] } } }';
const checked = parseConfig(Buffer.from(text), '/c/towline.json', '/');
const opened: OpenConfig = {
  file: '/c/towline.json',
  home: '/',
  bytes: Buffer.from(text),
  config: 'config' in checked ? checked.config : null,
  lines: new Map([['db', 1]]),
};

/** What the loader says of the same value in a file: `message; expected`. */
function loaderOn(relay: string, name = 'x'): readonly string[] {
  const found = parseConfig(Buffer.from(`{ "relays": { ${JSON.stringify(name)}: ${relay} } }`), '/c/a.json', '/');
  return 'problems' in found ? found.problems.map(({ message, expected }) => `${message}; ${expected}`) : [];
}

function said(parsed: ReturnType<typeof readHost>): string {
  return 'trouble' in parsed ? `${parsed.trouble.message}; ${parsed.trouble.expected}` : 'accepted';
}

// FAULTS T01-T04 and T53.
const hosts = [
  '-oProxyCommand=touch x',
  'a;b',
  'a&b',
  'a|b',
  'a`b',
  'a$(id)',
  "a'b",
  'a"b',
  'a\\b',
  'a b',
  'a\tb',
  'u\nid@h',
  'u;id@h',
  '-x@h',
  'u -o@h',
  'h:0',
  '[::1',
  'h:70000',
  '@h',
  '',
];
const names = ['../../x', 'a/b', 'x'.repeat(300), '\u{1f418}', '__proto__', 'a b', '-a', ''];

for (const host of hosts) {
  test(`host ${JSON.stringify(host)} is refused in the words of the loader`, (t) => {
    t.strictSame([said(readHost(host))], loaderOn(`{ "host": ${JSON.stringify(host)}, "forwards": ["1"] }`));
    t.end();
  });
}

for (const name of names) {
  test(`name ${JSON.stringify(name.slice(0, 20))} is refused`, (t) => {
    const parsed = readNewName(name, opened);
    t.ok('trouble' in parsed);
    const [loader = ''] = loaderOn('{ "host": "h", "forwards": ["1"] }', name);
    if (name !== '__proto__') t.equal(said(parsed), loader);
    t.end();
  });
}

test('a name that exists is refused with its place, a dangerous one too', (t) => {
  t.match(readNewName('db', opened), {
    trouble: { message: '/c/towline.json:1 has a relay "db" already', expected: 'another name, such as db-2' },
  });
  for (const name of ['constructor', 'prototype']) t.match(readNewName(name, opened), { trouble: {} }, name);
  t.strictSame(readNewName('con', opened), { value: 'con' });
  t.end();
});

// FAULTS T52.
test('a port is digits from 1 to 65535', (t) => {
  const trouble = { trouble: { expected: 'a port from 1 to 65535' } };
  for (const port of ['0', '-1', '65536', '22x', '1e3', '0x50', 'true', '', '010', '8787.0', 'db:5432']) {
    t.match(readPort(port), trouble, port);
  }
  t.match(readPort('70000'), { trouble: { message: 'port 70000 is out of range' } });
  t.strictSame(readPort('8787'), { value: 8787 });
  t.end();
});

test('a listener is a loopback address that no relay of the file has', (t) => {
  t.strictSame(readListen('0', opened), { value: { kind: 'tcp', host: '127.0.0.1', port: 0 } });
  t.strictSame(readListen('[::1]:80', opened), { value: { kind: 'tcp', host: '::1', port: 80 } });
  t.match(readListen('5432', opened), { trouble: { message: '127.0.0.1:5432 is taken by relay "db"' } });
  t.match(readListen('unix:/run/a.sock', opened), { trouble: { message: /is taken by relay "db"/ } });
  t.match(readListen('0.0.0.0:80', opened), { trouble: { message: 'other machines could connect to 0.0.0.0:80' } });
  t.match(readListen('host.name:80', opened), { trouble: { message: /is a name/ } });
  t.match(readListen('65536', opened), { trouble: { message: /out of range/ } });
  t.match(readListen('unix:/a:b', opened), { trouble: { expected: /without ":"/ } });
  t.end();
});

test('a forward is written as short as it can be, and is read back', (t) => {
  const written = (listen: string, port: number) => {
    const parsed = readListen(listen, opened);
    if ('trouble' in parsed) throw new Error(parsed.trouble.message);
    const short = forwardText(parsed.value, port);
    const target = { kind: 'tcp', host: '127.0.0.1', port };
    t.strictSame(parseForward(short), { value: { kind: 'local', listen: parsed.value, target } }, short);
    return short;
  };
  t.equal(written('8787', 8787), '8787');
  t.equal(written('0', 8787), '0:127.0.0.1:8787');
  t.equal(written('[::1]:1', 1), '[::1]:1:127.0.0.1:1');
  t.equal(written('localhost:5', 5), 'localhost:5:127.0.0.1:5');
  t.equal(written('unix:/run/b.sock', 9), 'unix:/run/b.sock:127.0.0.1:9');
  t.end();
});
