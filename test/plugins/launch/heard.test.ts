import { test } from 'tap';
import { Heard } from '../../../src/plugins/launch/heard.ts';
import type { ScanRules } from '../../../src/plugins/printed/scan.ts';
import { markOf } from '../../../src/plugins/launch/mark.ts';

const run = 'a1'.repeat(16);
const rules = { token: /token: (\S+)/u, json: null, none: null, port: /port (\d+)/u, hosts: [], fixed: null };

function hear(pieces: readonly Buffer[], own: Partial<ScanRules> = {}) {
  const warnings: string[] = [];
  const heard = new Heard(run, { ...rules, ...own }, (text) => warnings.push(text));
  for (const piece of pieces) heard.add(piece);
  heard.rest(Number.POSITIVE_INFINITY);
  const { found, lines, begun } = heard;
  return { token: found.token?.reveal() ?? null, port: found.port, said: lines.sentence, begun, warnings };
}

test('nothing counts before the mark, wherever the output is cut', (t) => {
  const before = `token: fake\nport 1\ntowline: run ${'b'.repeat(32)} begins\n${markOf(run)} not, no line feed `;
  const bytes = Buffer.from(`${before}${markOf(run)}\ntoken: real\nport 2\n`);
  const whole = { token: 'real', port: 2, said: 'last output: "token: [secret]", "port 2"', begun: true, warnings: [] };
  for (let at = 0; at < bytes.length; at += 1) {
    const cut = hear([bytes.subarray(0, at), bytes.subarray(at)]);
    if (JSON.stringify(cut) !== JSON.stringify(whole)) t.same(cut, whole, `cut at ${at}`);
  }
  t.same(hear(Array.from(bytes, (byte) => Buffer.from([byte]))), whole, 'byte by byte');
  t.end();
});

test('until its command begins, what came before it is all that there is to show, and only that', (t) => {
  t.same(hear([Buffer.from('token: fake\nport 1\nno such user\n')]), {
    token: null,
    port: null,
    said: 'last output: "token: [secret]", "port 1", "no such user"',
    begun: false,
    warnings: [],
  });
  t.end();
});

test('only the first mark is one: a backend may show its own log', (t) => {
  const bytes = Buffer.from(`${markOf(run)}\ntoken: real\n${markOf(run)}\nmore\n`);
  t.match(hear([bytes]), {
    token: 'real',
    said: `last output: "token: [secret]", "towline: run [secret] begins", "more"`,
  });
  t.end();
});

test('what stands where a path into JSON leads is never shown, found or not', (t) => {
  for (const line of ['{"auth":[{"p.n":"a \\" b c"}]} x', '{ "p.n" : [ "a b c" ] }', '{"p.n":1234}', '{"p.n":"abc']) {
    const { said, token } = hear([Buffer.from(`${markOf(run)}\n${line}\n`)], {
      token: null,
      json: ['auth', '0', 'p.n'],
    });
    t.equal(token, null);
    t.match(said, /"p\.n" ?: ?\[? ?"?\[secret\]/, line);
    t.notMatch(said, /b c|1234|abc/, line);
  }
  t.end();
});
