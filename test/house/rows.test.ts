import { readdirSync, readFileSync } from 'node:fs';
import { type Test, test } from 'tap';
import { backendRows } from './backend-rows.ts';
import { linkRows } from './link-rows.ts';
import { localRows } from './local-rows.ts';
import { pluginRows } from './plugin-rows.ts';
import { logins, rows, type Shown } from './rows.ts';
import { tokenRows } from './token-rows.ts';

const sources = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
    .sort();

const textOf = (file: string) => readFileSync(`test/${file}.test.ts`, 'utf8');

/** The names of the tests of a file, as they are written, with `*` for what a template puts in. */
function testsIn(file: string): readonly string[] {
  const text = textOf(file);
  const names = /\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`]*)`)/g;
  return [...text.matchAll(names)].map(
    ([, single, double, template]) => single ?? double ?? template?.replace(/\$\{\w+\}/g, '*') ?? '',
  );
}

const between = (letter: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `${letter}${String(from + n).padStart(2, '0')}`);

test('every row of the fault catalogue about ssh, and every way to log in, has a test by name', (t) => {
  const all = [...between('F', 34, 52), ...between('T', 1, 20), ...between('T', 26, 29), 'T77', 'T78'];
  t.same(Object.keys(rows).sort(), [...all].sort());
  t.equal(Object.keys(logins).length, 9);
  checkShown(t, { ...rows, ...logins });
  t.end();
});

test('every row of the fault catalogue about the link has a test by name', (t) => {
  t.same(Object.keys(linkRows).sort(), between('F', 1, 33));
  checkShown(t, linkRows);
  t.end();
});

test('every row of the fault catalogue about the local side has a test by name', (t) => {
  t.same(Object.keys(localRows).sort(), [...between('F', 53, 68), ...between('F', 70, 77), 'F98', 'F99']);
  checkShown(t, localRows);
  t.end();
});

test('every row of the fault catalogue about plugins and control has a test by name', (t) => {
  t.same(Object.keys(pluginRows).sort(), [...between('F', 91, 97), ...between('T', 63, 66)].sort());
  checkShown(t, pluginRows);
  t.end();
});

test('every row of the fault catalogue about the launched backend has a test by name', (t) => {
  t.same(Object.keys(backendRows).sort(), ['F69', ...between('F', 78, 89), 'T21', 'T59', 'T60', 'T61'].sort());
  checkShown(t, backendRows);
  t.end();
});

test('every row of the fault catalogue about the token has a test by name', (t) => {
  t.same(Object.keys(tokenRows).sort(), ['F90', ...between('T', 22, 25), 'T56', 'T62'].sort());
  checkShown(t, tokenRows);
  t.end();
});

test('the control API serves no page, and no token that a stranger has sent is compared in a time that tells', (t) => {
  for (const file of sources('src/control')) t.notMatch(readFileSync(file, 'utf8'), /text\/html|set-cookie/i, file);
  // Both of these compare two tokens of their own: a known one with a new one, one that was printed with one printed before. Whoever adds a
  // place has to think of what a stranger can measure there.
  const compares = /reveal\(\) *[!=]==|[!=]== *[\w.?#]+\.reveal\(\)/;
  t.same(
    sources('src').filter((file) => compares.test(readFileSync(file, 'utf8'))),
    ['src/core/supervisor/relay/relay-token.ts', 'src/plugins/printed/scan.ts'],
  );
  t.match(readFileSync('demo/backend.ts', 'utf8'), /timingSafeEqual\(given, wanted\)/);
  t.end();
});

test('every row about backend, token, plugins and control has a test with an sshd in a container', (t) => {
  const all: Readonly<Record<string, Shown>> = { ...backendRows, ...tokenRows, ...pluginRows };
  const inContainer = (file: string) => /\bawait startContainer\(t\b/.test(textOf(file));
  const wanted = [...between('F', 78, 97), ...between('T', 21, 25), 'T56', ...between('T', 59, 66)];
  for (const row of wanted) {
    const files = Object.keys(all[row] ?? {}).filter((file) => file.startsWith('e2e/'));
    t.ok(files.some(inContainer), `${row}: ${files.join(', ') || 'nothing in e2e'}`);
  }
  t.end();
});

function checkShown(t: Test, all: Readonly<Record<string, Shown>>): void {
  for (const [row, shown] of Object.entries(all)) {
    for (const [file, names] of Object.entries(shown)) {
      const there = testsIn(file);
      t.ok(names.length > 0 && there.length > 0, `${row}: ${file}`);
      for (const name of names) t.ok(there.includes(name), `${row}: ${file}: ${name}`);
    }
  }
}
