import { test } from 'tap';
import { atPath, parseJson, readJsonPath, tokenText } from '../../../src/plugins/printed/json-path.ts';

test('a path leads to own members by name and index; a name with dots may be the last one', (t) => {
  const value = parseJson('{"a":[{"b":"x"}],"c.d":"y","e":{"f.g":1,"f":{"g":2}},"__proto__":{"h":"z"}}');
  const cases: readonly (readonly [string, unknown])[] = [
    ['a.0.b', 'x'],
    ['c.d', 'y'],
    ['e.f.g', 1],
    ['a.1.b', undefined],
    ['a.length', undefined],
    ['h', undefined],
    ['constructor.name', undefined],
    ['a.0.b.0', undefined],
  ];
  for (const [text, wanted] of cases) {
    const path = readJsonPath(text);
    t.equal('value' in path ? atPath(value, path.value) : path.trouble, wanted, text);
  }
  t.equal(parseJson('{"a":'), undefined);
  t.end();
});

test('what is written in another language of paths is none', (t) => {
  for (const text of ['', '$.a', '.a', 'a.', 'a..b', 'a[0]', '/a/b', 'a ', 'x'.repeat(201)]) {
    t.match(readJsonPath(text), { trouble: { message: /no path/, expected: /such as "auth\.token"/ } }, text);
  }
  for (const text of ['a', 'a-b.c_d.0', 'a/b', 'a b']) t.match(readJsonPath(text), { value: text.split('.') });
  t.end();
});

test('a token is a text, or a whole number that is read exactly', (t) => {
  for (const [value, wanted] of [
    ['x', 'x'],
    ['', ''],
    [0, '0'],
    [2 ** 53 - 1, '9007199254740991'],
  ] as const)
    t.equal(tokenText(value), wanted);
  for (const value of [2 ** 53, 1.5, -1, Number.NaN, true, null, {}, [], undefined]) {
    t.equal(tokenText(value), undefined, String(value));
  }
  t.end();
});
