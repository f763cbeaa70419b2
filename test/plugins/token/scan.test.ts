import { randomBytes } from 'node:crypto';
import { test } from 'tap';
import { type Found, OutputScanner, type ScanRules } from '../../../src/plugins/printed/scan.ts';

const rules: ScanRules = {
  token: /(?:[?&]token=|pairing token: )([\w.%-]+)/u,
  json: null,
  none: /no pairing token/u,
  port: /\b(?:https?|ws):\/\/[^\s/:]+:(\d+)/u,
  hosts: ['devbox'],
  fixed: null,
};
const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
const url = (host: string, text = token) => `http://${host}/?token=${text}`;

/** What a scanner makes of an output that comes in these pieces. */
function scan(pieces: readonly (string | Buffer)[], own: Partial<ScanRules> = {}, rest = true) {
  const warnings: string[] = [];
  const told: Found[] = [];
  const news = { found: (found: Found) => told.push(found), warn: (text: string) => warnings.push(text) };
  const scanner = new OutputScanner({ ...rules, ...own }, news);
  const stream = scanner.stream();
  for (const piece of pieces) stream.add(Buffer.from(piece));
  if (rest) stream.rest();
  const { found } = scanner;
  return { token: found.token?.reveal() ?? null, none: found.none, port: found.port, warnings, told: told.length };
}

/** Every way to colour, frame or end a line in which the token stands; the answer is always the same. */
const disguises: Readonly<Record<string, string>> = {
  plain: `listening\n${url('127.0.0.1:8899')}\n`,
  'no line end': `listening\n${url('127.0.0.1:8899')}`,
  CRLF: `listening\r\n    ${url('localhost:8899')}\r\n`,
  'a progress line': `working 10%\rworking 99%\r${url('localhost:8899')}\rdone\n`,
  'colours inside': `\x1b[32m  ➜\x1b[39m http://\x1b[1mlocalhost\x1b[22m:\x1b[1m8899\x1b[0m/?tok\x1b[38;5;12men=${token.slice(0, 9)}\x1b(B\x1b[m${token.slice(9)}\x1b[0m \n`,
  'a title before it': `\x1b]0;jupyter\x07${url('127.0.0.1:8899')}\n`,
  'a link around it': `\x1b]8;;http://evil.test/\x1b\\${url('127.0.0.1:8899')}\x1b]8;;\x1b\\\n`,
  NUL: `\0\0${url('127.0.0.1:8899').split('').join('\0')}\0\n`,
  'sequences that never end': `\x1b]noise\n\x1b[999\n\x1bP+q\n${url('127.0.0.1:8899')}\n\x1b`,
  'the name of the host': `${url('DevBox:8899')}\n`,
  'an unspecified address': `${url('0.0.0.0:8899')} \n`,
  'an IPv6 address': `http://localhost:8899\n${url('[::1]:8899')}\n`,
  percent: `${url('127.0.0.1:8899', token.replace('5', '%35'))}\n`,
};

test('a token is found in every disguise, wherever the output is cut', (t) => {
  for (const [name, text] of Object.entries(disguises)) {
    const bytes = Buffer.from(text);
    const whole = scan([bytes]);
    t.match(whole, { token, port: 8899, none: false, warnings: [] }, name);
    for (let at = 1; at < bytes.length; at += 1) {
      const cut = scan([bytes.subarray(0, at), bytes.subarray(at)]);
      if (cut.token !== token || cut.port !== 8899 || cut.warnings.length > 0 || cut.told > 2) {
        t.same(cut, whole, `${name}, cut at ${at}`);
      }
    }
    const single = scan(Array.from(bytes, (byte) => Buffer.from([byte])));
    t.match(single, { token, port: 8899, warnings: [], told: 2 }, `${name}, byte by byte`);
  }
  t.end();
});

test('random cuts of random noise around a token change nothing', (t) => {
  for (let round = 0; round < 200; round += 1) {
    const noise = () => Buffer.concat([randomBytes(round * 7), Buffer.from('\n')]);
    const bytes = Buffer.concat([noise(), Buffer.from(`${url('127.0.0.1:8899')}\n`), noise()]);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(Math.random() * 64);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    const found = scan(pieces);
    if (found.token !== token || found.port !== 8899) t.same(found, { token, port: 8899 }, bytes.toString('hex'));
  }
  t.pass('each of 200');
  t.end();
});

test('a token at the very end may go on, and is believed only when nothing more comes', (t) => {
  t.match(scan([`pairing token: ${token.slice(0, 8)}`], {}, false), { token: null });
  t.match(scan([`pairing token: ${token.slice(0, 8)}`, token.slice(8)], {}, false), { token: null });
  t.match(scan([`pairing token: ${token.slice(0, 8)}`, token.slice(8), '\n'], {}, false), { token });
  t.match(scan([`pairing token: ${token}`]), { token, warnings: [] });
  t.end();
});

test('a backend that has no token says so; one that it prints counts more', (t) => {
  t.match(scan(['[serve] no pairing token (loopback only)\n']), { token: null, none: true, warnings: [] });
  t.match(scan([`no pairing token\npairing token: ${token}\n`]), { token, none: false });
  t.match(scan([`pairing token: ${token}\nno pairing token\n`]), { token, none: false });
  t.match(scan(['The server is at http://localhost:8899/?token=...\n']), { token: null, none: false, port: 8899 });
  t.end();
});

test('a token that comes again is one; a changed one counts only at the same address, and both are told', (t) => {
  const again = scan([`${url('127.0.0.1:8899')}\n${url('localhost:8899')}\n`]);
  t.match(again, { token, told: 2, warnings: [] });
  const changed = scan([`${url('127.0.0.1:8899')}\n${url('127.0.0.1:8899', 'other')}\n`]);
  t.match(changed, { token: 'other', warnings: [/another token; the last one counts/] });
  const elsewhere = scan([`${url('127.0.0.1:8899')}\n${url('127.0.0.1:9000', 'other')}\n`]);
  t.match(elsewhere, { token, port: 9000 });
  t.match(elsewhere.warnings.join('\n'), /port 9000 after 8899[\s\S]*another address; the first one counts/);
  t.end();
});

test('an address of another host, or of another port than it was told to use, is not believed', (t) => {
  for (const host of [
    'evil.test:80',
    '169.254.169.254',
    '127.0.0.1:8899@evil.test',
    '[fe80::1]:8899',
    '127.0.0.1.evil.test:8899',
  ]) {
    const { warnings, ...found } = scan([`see ${url(host)} please\n`]);
    t.match(found, { token: null, port: null }, host);
    t.match(warnings[0], /address of another host/, host);
  }
  t.match(scan([`${url('evil.test:8899')} or ${url('127.0.0.1:8899')}\n`]), { token, port: 8899 });
  const fixed = scan([`${url('127.0.0.1:9000')}\n${url('127.0.0.1:8899', 'mine')}\n`], { fixed: 8899 });
  t.match(fixed, {
    token: 'mine',
    port: 8899,
    warnings: [/port 9000, and was told to use 8899/, /token for port 9000/],
  });
  t.end();
});

test('of a line of JSON the pattern of its value is the rule', (t) => {
  const json = { token: /"token": ?"([^"]+)"/u, none: /"token": ?null/u };
  const line = (value: string | null, space = 0) =>
    `noise\n${JSON.stringify({ level: 30, auth: { token: value }, at: 1 }, null, space)}\nnoise\n`;
  for (const space of [0, 2]) {
    t.match(scan([line(token, space)], json), { token, none: false, warnings: [] });
    t.match(scan([line(null, space)], json), { token: null, none: true, warnings: [] });
  }
  t.end();
});

const inJson = { token: null, none: null, json: ['auth', 'token'] };
const jsonLine = (value: unknown, more: object = {}) => JSON.stringify({ level: 30, auth: { token: value }, ...more });

test('a path into JSON finds the token in a line of it, wherever the output is cut', (t) => {
  const bytes = Buffer.from(`noise {\n[1] {"auth":\n\x1b[2m${jsonLine(token)}\x1b[0m\r\n${jsonLine(undefined)}\n`);
  for (let at = 0; at < bytes.length; at += 1) {
    const cut = scan([bytes.subarray(0, at), bytes.subarray(at)], inJson, false);
    if (cut.token !== token || cut.told !== 1 || cut.none) t.match(cut, { token, told: 1 }, `cut at ${at}`);
  }
  const single = Array.from(bytes, (byte) => Buffer.from([byte]));
  t.match(scan(single, inJson, false), { token, none: false, warnings: [], told: 1 }, 'byte by byte');
  t.match(scan([jsonLine(token)], inJson, false), { token: null }, 'it may go on');
  t.match(scan([jsonLine(token)], inJson), { token }, 'nothing more comes');
  t.match(scan([`${jsonLine(4711)}\n`], inJson), { token: '4711' });
  t.end();
});

test('what no path leads to is no token', (t) => {
  for (const value of [undefined, true, ['a'], { token }]) {
    t.match(scan([`${jsonLine(value)}\n`], inJson), { token: null, none: false, warnings: [] }, String(value));
  }
  t.match(scan([`token ${jsonLine(token)}\n`], inJson), { token: null }, 'a part of a line is no value');
  t.match(scan([`${jsonLine(token, { more: 'x'.repeat(65_536) })}\n`], inJson), { token: null }, 'too long a line');
  t.match(scan([`${jsonLine('x'.repeat(65_536))}\n${jsonLine(token)}\n`], inJson), { token }, 'the one after it');
  t.match(scan(['{"__proto__":{"a":"b"}}\n'], { ...inJson, json: ['constructor', 'name'] }), { token: null });
  t.end();
});

test('by a path null is no token yet, and what none says is that there is none', (t) => {
  for (const yet of [null, '']) t.match(scan([`${jsonLine(yet)}\n`], inJson), { token: null, none: false });
  t.match(scan([`${jsonLine(null)}\n${jsonLine(token)}\n`], inJson), { token, none: false, warnings: [] });
  t.match(scan([`${jsonLine(null)}\n`], { ...inJson, none: /"token":null/u }), { token: null, none: true });
  const changed = scan([`${jsonLine('other', { port: 9000 })}\n${jsonLine(token, { port: 8899 })}\n`], inJson);
  t.match(changed, { token, warnings: [/another token; the last one counts/] });
  t.match(scan([`${jsonLine('two words')}\n`], inJson), { token: null, warnings: [/no request can carry/] });
  for (const number of ['12345678901234567890', '1.5', '-1'])
    t.match(scan([`{"auth":{"token":${number}}}\n`], inJson), { token: null, warnings: [/cannot be read exactly/] });
  t.end();
});

test('no sentence ever says a token', (t) => {
  const { warnings } = scan([`${url('127.0.0.1:1')}\n${url('evil.test:2')}\n${url('127.0.0.1:3', `${token}x`)}\n`], {
    fixed: 1,
  });
  t.ok(warnings.length >= 2);
  t.notMatch(warnings.join('\n'), token);
  for (const host of ['localhost:undefined', '127.0.0.1:65536', '%zz:80']) {
    const unread = scan([`listening on ${url(host)}\n`]);
    t.notMatch(unread.warnings.join('\n'), token, host);
    t.match(unread, { token: null }, host);
  }
  t.match(scan([`${url('localhost:undefined')}\n`]).warnings, [/^it printed an address that cannot be read, /]);
  t.end();
});

test('a flood without a line end fills no memory and takes no time, and a token in it is found', (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'y');
  const scanner = new OutputScanner(rules, { found: () => undefined, warn: () => undefined });
  const stream = scanner.stream();
  const used = process.memoryUsage().rss;
  const began = performance.now();
  for (let count = 0; count < 1024; count += 1) stream.add(chunk);
  const took = performance.now() - began;
  t.ok(took < 5_000, `64 MiB took ${Math.round(took)} ms`);
  t.ok(process.memoryUsage().rss - used < 32 * 1024 * 1024);
  stream.add(Buffer.from(` pairing token: ${token} `));
  stream.add(chunk);
  t.equal(scanner.found.token?.reveal(), token);
  t.end();
});

test('a flood of noise is survived, and warns of little', (t) => {
  const { warnings } = scan(Array.from({ length: 64 }, () => randomBytes(16 * 1024)));
  t.ok(warnings.length <= 8);
  const many = scan(Array.from({ length: 100 }, (_, n) => `${url(`h${n}.test`)}\n`));
  t.equal(many.warnings.length, 8);
  const escapes = scan(Array.from({ length: 16 }, () => '\x1b]'.repeat(8 * 1024)));
  t.match(escapes, { token: null });
  t.end();
});

test('a pattern that takes too long is given up with a word', (t) => {
  const began = performance.now();
  const { warnings } = scan(
    Array.from({ length: 50 }, () => `${'a'.repeat(4_000)}\n`),
    { token: /a*a*(a)!/u },
  );
  t.match(warnings, [/the pattern for its token takes too long/]);
  t.ok(performance.now() - began < 20_000);
  t.end();
});
