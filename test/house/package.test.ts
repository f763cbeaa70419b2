import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import * as z from 'zod';

const packed = z.tuple([z.object({ files: z.array(z.object({ path: z.string(), mode: z.number() })) })]);
const manifest = z.object({
  version: z.string(),
  bin: z.record(z.string(), z.string()),
  exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});
const lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      resolved: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});

/** Packages whose install scripts may run, and why. */
const INSTALL_SCRIPTS = {
  ssh2: 'builds its optional crypto addon, worth a third of the CPU; works without',
  'cpu-features': 'an optional helper of that addon',
  esbuild:
    'a development dependency; its script puts a binary in the place of one that starts it, and all works without',
  protobufjs: 'a development dependency of testcontainers; its script only prints a warning',
};

/** Everything that a user's `npm install` brings, by name: a new one is a decision, so it is written down here. */
const RUNTIME = 'asn1 bcrypt-pbkdf buildcheck cpu-features nan safer-buffer ssh2 tweetnacl ws'.split(' ');

/** Everything of which parts are in the bundle. */
const BUNDLED = `
  @babel/code-frame @babel/helper-validator-identifier @colors/colors @hono/node-server @pinojs/redact ansi-escapes ansi-regex
  ansi-styles atomic-sleep callsites cli-cursor cli-table3 cliui cosmiconfig emoji-regex env-paths environment error-ex escalade
  fastest-levenshtein get-caller-file get-east-asian-width hono import-fresh is-arrayish is-fullwidth-code-point js-tokens js-yaml
  json-parse-even-better-errors lines-and-columns log-update mimic-function on-exit-leak-free onetime parent-module parse-json
  picocolors pino pino-std-serializers quick-format-unescaped resolve-from restore-cursor safe-stable-stringify signal-exit slice-ansi
  sonic-boom ssh-config string-width strip-ansi thread-stream wrap-ansi y18n yaml yargs yargs-parser zod
`
  .trim()
  .split(/\s+/);

const own = manifest.parse(readJson('package.json'));
const { packages } = lock.parse(readJson('package-lock.json'));
const installed = Object.entries(packages).filter(([path]) => path !== '');

test('the package holds the bundle, its types, the client, its papers and nothing else', (t) => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = packed.parse(JSON.parse(output));
  const paths = files.map((file) => file.path);
  const isBundled = (path: string): boolean => /^dist\/bundle\/.*\.js$/.test(path);
  const isCompiled = (path: string): boolean => /^dist\/src\/(?:client\/.*\.js|.*\.d\.ts)$/.test(path);
  t.same(paths.filter((path) => !isCompiled(path) && !isBundled(path)).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'config.example.json',
    'dist/bundle/licenses.txt',
    'package.json',
    'schema.json',
  ]);
  const sources = paths
    .filter(isCompiled)
    .map((path) => path.replace(/^dist\//, '').replace(/(?:\.js|\.d\.ts)$/, '.ts'));
  t.same(
    sources.filter((source) => !existsSync(source)),
    [],
    'nothing is packed whose source is gone',
  );
  const doors = [
    ...Object.values(own.bin),
    ...Object.values(own.exports).flatMap((to) => (typeof to === 'string' ? to : Object.values(to))),
  ];
  t.ok(doors.length >= 5);
  t.same(
    doors.map((door) => door.replace(/^\.\//, '')).filter((door) => !paths.includes(door)),
    [],
    'every door of the package leads somewhere',
  );
  t.end();
});

test('direct dependencies have exact versions, and the lock has the same', (t) => {
  const direct = Object.entries({ ...own.dependencies, ...own.devDependencies });
  t.ok(direct.length > 10);
  t.same(
    direct.filter(
      ([name, version]) => !/^\d+\.\d+\.\d+$/.test(version) || packages[`node_modules/${name}`]?.version !== version,
    ),
    [],
  );
  t.equal(packages['']?.version, own.version);
  t.end();
});

test('the lock names no address that packages come from', (t) => {
  t.ok(installed.length > 100);
  t.same(
    installed.filter(([, one]) => one.resolved !== undefined),
    [],
  );
  t.end();
});

test('no install script runs that was not looked at', (t) => {
  t.same(names(installed.filter(([, one]) => one.hasInstallScript === true)), Object.keys(INSTALL_SCRIPTS).sort());
  t.end();
});

test('the packages that a user gets are the listed ones', (t) => {
  const licenses = readFileSync('dist/bundle/licenses.txt', 'utf8');
  const named = [...licenses.matchAll(/^(\S+) \d+\.\d+\.\d+ \((?:MIT|ISC|BSD-\d-Clause|Apache-2\.0)\)\n\n(?=\S)/gm)];
  t.same([...new Set(named.map(([, name]) => name))].sort(), [...BUNDLED].sort(), 'with their licenses');
  t.same(names(installed.filter(([, one]) => one.dev !== true && one.devOptional !== true)), [...RUNTIME].sort());
  t.end();
});

function names(entries: readonly (readonly [string, unknown])[]): string[] {
  return [...new Set(entries.map(([path]) => path.replace(/^.*node_modules\//, '')))].sort();
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
