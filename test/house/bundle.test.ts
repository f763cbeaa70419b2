import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { builtins } from '../../src/builtins.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { Secret } from '../../src/core/model/secret.ts';
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

test("what another copy of towline throws or hides is towline's too", async (t) => {
  const other: { Fault: typeof Fault; Secret: typeof Secret } = await import(bundled('index').href);
  t.not(other.Fault, Fault);
  const fault = new other.Fault('TOKEN_REFUSED', 'no');
  t.ok(fault instanceof Fault);
  t.equal(Fault.from(fault), fault);
  t.notOk(Object.assign(new Error('no'), { code: 'TOKEN_REFUSED' }) instanceof Fault);
  t.ok(new other.Secret('x') instanceof Secret);
  t.notOk({ reveal: () => 'x' } instanceof Secret);
  class Special extends Fault {}
  t.ok(new Special('USAGE', 'x') instanceof Special);
  t.ok(new Special('USAGE', 'x') instanceof Fault);
  t.notOk(fault instanceof Special, 'a subclass is asked about by the usual rule');
});
