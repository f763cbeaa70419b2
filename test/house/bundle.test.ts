import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { builtins } from '../../src/builtins.ts';
import { bundled, ownPackage } from '../../src/core/process/own-files.ts';
import { closureOf, readImports } from './import-graph.ts';

const FOLDER = fileURLToPath(new URL('dist/bundle/', ownPackage));
const inBundle = (url: URL | string) => fileURLToPath(url).slice(FOLDER.length);
const FORKED = ['core/worker/entry', 'core/plugin/daemon-side/entry', 'core/ssh/identity/decrypt-thread'];
const DOORS = ['main', 'index', 'plugin', ...FORKED].map((name) => inBundle(bundled(name)));

test('whatever is started, forked or imported by its address is an entry of the bundle, and nothing stale lies there', (t) => {
  const graph = readImports(FOLDER, '.js');
  const plugins = Object.values(builtins).map(({ url }) => inBundle(url));
  const entries = [...DOORS, ...plugins];
  t.same(
    entries.filter((entry) => !graph.has(entry)),
    [],
  );
  const reached = new Set(entries.flatMap((entry) => [...closureOf(graph, entry)]));
  t.same(
    [...graph.keys()].filter((file) => !reached.has(file)),
    [],
  );
  t.end();
});

test('a class is in the bundle once: a plugin and its host throw and catch the same', (t) => {
  const graph = readImports(FOLDER, '.js');
  const texts = [...graph.keys()].map((file) => readFileSync(FOLDER + file, 'utf8'));
  for (const name of ['Fault', 'Secret', 'Reaper', 'Lane', 'Seat']) {
    const holders = texts.filter((text) => new RegExp(`\\bvar ${name} = class|\\bclass ${name}\\b`).test(text));
    t.equal(holders.length, 1, name);
  }
  t.end();
});

test('what runs for long asks for no file later that another version would not have', (t) => {
  const graph = readImports(FOLDER, '.js');
  for (const entry of ['index', ...FORKED].map((name) => inBundle(bundled(name)))) {
    const files = [...closureOf(graph, entry)].filter((file) => graph.has(file));
    const later = files.filter((file) => /\bimport\(\s*["'`]\./.test(readFileSync(FOLDER + file, 'utf8')));
    t.same(later, [], `${entry}, ${files.length} files`);
  }
  t.end();
});

test("the bundle's classes keep the names that a log shows", async (t) => {
  const { Fault }: { Fault: new (code: string, text: string) => Error } = await import(bundled('index').href);
  const fault = new Fault('USAGE', 'x');
  t.equal(fault.constructor.name, 'Fault');
  t.match(fault.stack, /^Fault: x\n/);
});
