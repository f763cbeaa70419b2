import { test } from 'tap';
import { Heard } from '../../../src/plugins/launch/heard.ts';
import { Secret } from '../../../src/plugin.ts';
import { type OutputRules, scanRules } from '../../../src/plugins/printed/scan-rules.ts';
import { markOf } from '../../../src/plugins/launch/mark.ts';

const run = 'a1'.repeat(16);
const token = /token: (\S+)/u;
const rules: OutputRules = {
  token,
  json: null,
  none: null,
  port: /port (\d+)/u,
  hosts: [],
  fixed: null,
  hide: token,
};

function hear(pieces: readonly Buffer[], own: Partial<OutputRules> = {}) {
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

/** As the recipe says that the token is printed; `ownToken`: it is looked for, for nobody knows it yet. */
const rulesFor = (json: string, ownToken = true) =>
  scanRules({ prints: null, token: { from: 'output', json } }, { hosts: [], fixed: null, ownToken });

test('what stands where a path into JSON leads is never shown, found or not', (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['auth.0.p', '{"auth":[{"p":"a \\" b c"}]} x', /"p":"\[secret\]/],
    ['auth.0.p', '{ "p" : "a b c', /"p" : "\[secret\]/],
    ['auth.p', '{"p":1234}', /"p":\[secret\]/],
    ['p.1', '{"p":["first","b c"]} x', /"p":\[secret\]/],
    ['p.0.1', 'INFO {"p":[["a","b c"]]}', /"p":\[secret\]/],
    ['0', 'INFO ["b c"]', /^last output: "\[secret\]"/],
  ];
  for (const [path, line, shown] of cases) {
    const { said, token: found } = hear([Buffer.from(`${markOf(run)}\n${line}\n`)], rulesFor(path));
    t.equal(found, null);
    t.match(said, shown, line);
    t.notMatch(said, /b c|1234|abc/, line);
  }
  t.end();
});

test('a token that is known is shown in none of the ways in which JSON may spell it, under any name', (t) => {
  const { hide } = rulesFor('auth.pairing', false);
  for (const [known, spelled] of [
    ['ab/cd', 'ab\\/cd'],
    ['a&b<c', 'a\\u0026b\\u003cc'],
    ['a"b', 'a\\"b'],
    ['a&/"b', 'a\\u0026\\/\\"b'],
  ] as const) {
    const heard = new Heard(run, { ...rules, hide: null }, () => undefined);
    heard.hide(new Secret(known));
    heard.add(Buffer.from(`${markOf(run)}\n{"other":"${spelled}"}\n`));
    t.equal(heard.lines.sentence, 'last output: "{"other":"[secret]"}"', known);
    const adopted = hear([Buffer.from(`${markOf(run)}\n{"pairing":"x y ${spelled}"}\n`)], { ...rules, hide });
    t.match(adopted.said, '{"pairing":"[secret]"}', 'though it is not looked for');
  }
  t.end();
});
