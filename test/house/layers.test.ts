import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { closureOf, readImports } from './import-graph.ts';
import { forbiddenImports } from './layers.ts';

const SOURCE = join(process.cwd(), 'src');
const COMPILED = fileURLToPath(new URL('../../src', import.meta.url));
/** What a forked process starts with, what of ours it may load, and which packages: it exists many times, and each costs its memory as often. */
const FORKED = [
  {
    entry: 'core/worker/entry.js',
    layers: /^core\/(model|files|socket|process|ssh|probe|plugin|worker)\/|^core\/[^/]+$/,
    packages: ['ssh2', 'ssh-config', 'ws', 'fastest-levenshtein'],
  },
  {
    entry: 'core/plugin/daemon-side/entry.js',
    layers: /^core\/(model|files|socket|process|plugin)\//,
    packages: ['fastest-levenshtein'],
  },
];

test('every file imports lower layers or its own', (t) => {
  const graph = readImports(SOURCE, '.ts');
  t.ok(graph.size > 50, 'the sources were found');
  t.same(forbiddenImports(graph), []);
  t.end();
});

test('a forked process loads neither the supervisor nor a package that it does not need', (t) => {
  const graph = readImports(COMPILED, '.js');
  for (const { entry, layers, packages } of FORKED) {
    t.ok(graph.has(entry), `${entry} was found`);
    const loaded = [...closureOf(graph, entry)];
    const ours = loaded.filter((name) => graph.has(name));
    t.ok(ours.length > 10, 'its imports were followed');
    t.same(
      ours.filter((file) => !layers.test(file)),
      [],
      entry,
    );
    const foreign = loaded.filter((name) => !graph.has(name) && !name.startsWith('node:'));
    t.same(
      foreign.filter((name) => !packages.includes(name)),
      [],
      entry,
    );
  }
  t.end();
});

test('the client of a page loads nothing but itself, and that of Node only ws beside it', (t) => {
  const graph = readImports(COMPILED, '.js');
  const loaded = [...closureOf(graph, 'client/browser.js')];
  t.ok(loaded.length > 8, 'its imports were followed');
  t.same(
    loaded.filter((name) => !/^client\/(?!node)/.test(name)),
    [],
  );
  t.same(
    [...closureOf(graph, 'client/node.js')].filter((name) => !name.startsWith('client/')),
    ['ws'],
  );
  t.end();
});

test('the check finds each kind of forbidden import', (t) => {
  const graph = readImports(
    tree(t, {
      'core/model/a.ts': "import { x } from '../config/b.ts'",
      'core/config/b.ts': "import type { Y } from '../ssh/c.ts'",
      'core/ssh/c.ts': "import { Client } from 'ssh2'",
      'core/supervisor/d.ts': "export * from '../worker/e.ts'",
      'core/worker/e.ts': "const z = await import('../../control/f.ts')",
      'control/f.ts': "import ssh2 from 'ssh2'",
      'plugins/g.ts': "import type { Fault } from '../core/model/a.ts'",
      'plugin.ts': "import './nowhere.ts'",
      'loose.ts': "import 'node:fs'",
    }),
    '.ts',
  );
  t.same(forbiddenImports(graph), [
    'control/f.ts imports ssh2, which only ^core\\/ssh\\/ may',
    'core/config/b.ts (config) imports core/ssh/c.ts (ssh)',
    'core/model/a.ts (model) imports core/config/b.ts (config)',
    'core/supervisor/d.ts (supervisor) imports core/worker/e.ts (worker)',
    'core/worker/e.ts (worker) imports control/f.ts (control)',
    'loose.ts is of no layer; give it one in test/house/layers.ts',
    'plugin.ts imports nowhere.ts, which is not there',
    'plugins/g.ts (plugins) imports core/model/a.ts (model)',
  ]);
  t.end();
});

test('explaining a host needs neither yargs nor ssh2, which take longer to load than its answer takes', (t) => {
  const loaded = closureOf(readImports(COMPILED, '.js'), 'cli/explain.js');
  t.ok(loaded.has('core/ssh/resolve/dump.js'));
  t.notOk(loaded.has('yargs') || loaded.has('ssh2'));
  t.end();
});

test('only what starts a daemon loads what one consists of', (t) => {
  const graph = readImports(COMPILED, '.js');
  for (const command of ['check', 'backend', 'doctor', 'token', 'status']) {
    const loaded = closureOf(graph, `cli/${command}.js`);
    t.ok(loaded.size > 10, `what ${command} imports was found`);
    t.same(
      ['daemon.js', 'hono', 'pino'].filter((name) => loaded.has(name)),
      [],
      command,
    );
  }
  t.end();
});

test('the closure follows imports and re-exports through files', (t) => {
  const graph = readImports(
    tree(t, {
      'entry.js': "import './a.js'",
      'a.js': "export { x } from './b/c.js'",
      'b/c.js': "import zod from 'zod'; import y from '@scope/name/deep.js'; import '../entry.js'",
      'lone.js': "import 'yaml'",
    }),
    '.js',
  );
  t.same([...closureOf(graph, 'entry.js')].sort(), ['@scope/name', 'a.js', 'b/c.js', 'entry.js', 'zod']);
  t.end();
});

function tree(t: Owner, files: Readonly<Record<string, string>>): string {
  const root = makeTemp(t, 'tree');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${text};\n`);
  }
  return root;
}
