import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../src/core/config/load.ts';
import { loadGuest } from '../../../src/core/plugin/load.ts';
import { isPrivateGroup } from '../../../src/core/files/private-group.ts';
import { foreignGroup } from '../../fixtures/foreign-group.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';

const module_ = (name: string) => `export default { name: '${name}', relay: () => ({}) };\n`;

/** A folder with these files. */
function tree(t: Owner, files: Readonly<Record<string, string>>): string {
  const root = makeTemp(t, 'packages');
  for (const [file, text] of Object.entries(files)) write(join(root, file), text);
  return root;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, text, { mode: 0o644 });
}

const load = (use: string, from: string) =>
  loadGuest({ use, from, options: {} }, { 'same-user': { url: 'file:///x', wholeEnvironment: false } });
const manifest = (rest: object) => JSON.stringify({ name: 'x', version: '1.0.0', type: 'module', ...rest });

test('a package is found beside the config file or above it, as import finds it', async (t) => {
  const root = tree(t, {
    'conf/towline.json': JSON.stringify({
      relays: { r: { host: 'h', forwards: ['1'], plugins: ['guest-main', '@scope/guest'] } },
    }),
    'conf/node_modules/guest-main/package.json': manifest({ main: './lib/main.js' }),
    'conf/node_modules/guest-main/lib/main.js': module_('main'),
    'node_modules/@scope/guest/package.json': manifest({
      exports: { '.': { types: './x.d.ts', require: './old.cjs', import: './new.js' } },
    }),
    'node_modules/@scope/guest/new.js': module_('scoped'),
    'node_modules/guest-main/package.json': manifest({}),
    'node_modules/guest-main/index.js': module_('farther'),
    'node_modules/guest-index/package.json': manifest({}),
    'node_modules/guest-index/index.js': module_('index'),
    'node_modules/guest-sugar/package.json': manifest({ exports: './sugar.js', main: './none.js' }),
    'node_modules/guest-sugar/sugar.js': module_('sugar'),
    'linked/package.json': manifest({ exports: { default: ['./missing-condition', './one.js'] } }),
    'linked/missing-condition': module_('link'),
    'linked/one.js': module_('link'),
  });
  symlinkSync('../linked', join(root, 'node_modules', 'guest-linked'));
  rmSync(join(root, 'linked', 'missing-condition'));
  write(join(root, 'linked', 'package.json'), manifest({ exports: { default: './one.js' } }));
  const conf = join(root, 'conf');
  const [relay] = loadConfig(join(conf, 'towline.json')).relays;
  t.same(relay?.plugins, [
    {
      use: 'guest-main',
      from: conf,
      place: `${conf}/towline.json:1:56 relays.r.plugins[0]`,
      options: {},
      deadlines: {},
    },
    {
      use: '@scope/guest',
      from: conf,
      place: `${conf}/towline.json:1:69 relays.r.plugins[1]`,
      options: {},
      deadlines: {},
    },
  ]);
  const rows = {
    'guest-main': 'main',
    '@scope/guest': 'scoped',
    'guest-index': 'index',
    'guest-sugar': 'sugar',
    'guest-linked': 'link',
  };
  for (const [use, name] of Object.entries(rows)) t.match(await load(use, conf), { name }, use);
});

test('a package that leads out of its folder, is not there, or is none, is refused by name', async (t) => {
  const root = tree(t, {
    'node_modules/out/package.json': manifest({ main: '../../out.js' }),
    'out.js': module_('out'),
    'node_modules/plugins/package.json': manifest({ main: '../plugins-evil/index.js' }),
    'node_modules/plugins-evil/index.js': module_('evil'),
    'node_modules/linked/package.json': manifest({ main: 'index.js' }),
    'node_modules/gone/package.json': manifest({ main: 'gone.js' }),
    'node_modules/nothing/package.json': manifest({ exports: { require: './x.cjs' } }),
    'node_modules/broken/package.json': '{',
    'node_modules/fs/package.json': manifest({}),
    'node_modules/fs/index.js': module_('fs'),
  });
  symlinkSync(join(root, 'out.js'), join(root, 'node_modules', 'linked', 'index.js'));
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['out', 'PLUGIN_UNTRUSTED', /package out leads out of its folder, to .*\/out\.js/],
    ['plugins', 'PLUGIN_UNTRUSTED', /package plugins leads out of its folder, to .*plugins-evil/],
    ['linked', 'PLUGIN_UNTRUSTED', /package linked leads out of its folder/],
    ['gone', 'PLUGIN_NOT_FOUND', /package gone has no file .*gone\.js/],
    ['nothing', 'PLUGIN_FAILED', /package nothing exports nothing to import/],
    ['broken', 'PLUGIN_FAILED', /package\.json of broken cannot be read/],
    [
      'absent',
      'PLUGIN_NOT_FOUND',
      /no plugin is called "absent"; built-in are: same-user; a package is installed beside/,
    ],
    ['same-uesr', 'PLUGIN_NOT_FOUND', /did you mean "same-user"\?/],
    ['fs', 'PLUGIN_NOT_FOUND', /no plugin is called "fs"/],
    ['node:child_process', 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['data:text/javascript,1', 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['http://127.0.0.1/x.js', 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['../out.js', 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['out/../../out.js', 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['out/lib/x.js', 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['__proto__', 'PLUGIN_NOT_FOUND', /no plugin is called/],
  ];
  for (const [use, code, message] of rows) await t.rejects(load(use, root), { code, message }, use);
});

test('a file that its group can write is trusted where that group is the user alone, and no other', async (t) => {
  const root = tree(t, { 'mine.mjs': module_('mine') });
  const mine = join(root, 'mine.mjs');
  const group = foreignGroup();
  if (group === null) return void t.pass('this user may give a file to no other group');
  chownSync(mine, process.getuid?.() ?? -1, group);
  for (const mode of [0o620, 0o660, 0o664]) {
    chmodSync(mine, mode);
    const shown = mode.toString(8).padStart(4, '0');
    const message = new RegExp(`mine\\.mjs can be written by others \\(${shown}\\); chmod go-w `);
    await t.rejects(load(mine, root), { code: 'PLUGIN_UNTRUSTED', message }, shown);
  }
  chmodSync(mine, 0o640);
  t.match(await load(mine, root), { name: 'mine' }, 'they may read it');
  const own = process.getgid?.() ?? -1;
  if (!isPrivateGroup(own)) return void t.pass('the own group of this user has others in it');
  chownSync(mine, process.getuid?.() ?? -1, own);
  chmodSync(mine, 0o660);
  t.match(await load(mine, root), { name: 'mine' });
});

test('code that others can write, or own, is refused wherever it lies, up to the home folder or the root', async (t) => {
  const files = {
    'a/b/node_modules/guest/package.json': manifest({ main: './lib/main.js' }),
    'a/b/node_modules/guest/lib/main.js': module_('guest'),
    'a/b/node_modules/guest/lib/part.js': 'export const x = 1;\n',
    'a/b/node_modules/guest/readme.md': 'text',
    'a/b/node_modules/guest/node_modules/dep/index.js': 'export const x = 1;\n',
  };
  const places = [
    'a',
    'a/b',
    'a/b/node_modules',
    'a/b/node_modules/guest',
    'a/b/node_modules/guest/lib',
    ...Object.keys(files),
  ];
  for (const place of places) {
    const root = tree(t, files);
    const trusted = /readme|dep/.test(place);
    chmodSync(join(root, place), 0o777);
    const named = new RegExp(`${place.replaceAll('.', '\\.')} can be written by others \\(0777\\); chmod go-w`);
    if (trusted) t.match(await load('guest', join(root, 'a/b')), { name: 'guest' }, place);
    else await t.rejects(load('guest', join(root, 'a/b')), { code: 'PLUGIN_UNTRUSTED', message: named }, place);
    const group = foreignGroup();
    if (group !== null) {
      // A change of the group takes bits away, so it comes first.
      chownSync(join(root, place), process.getuid?.() ?? -1, group);
      chmodSync(join(root, place), 0o775);
      const theirs = {
        code: 'PLUGIN_UNTRUSTED',
        message: new RegExp(`${place.replaceAll('.', '\\.')} can be written by others \\(0775\\)`),
      };
      if (trusted) t.match(await load('guest', join(root, 'a/b')), { name: 'guest' }, place);
      else await t.rejects(load('guest', join(root, 'a/b')), theirs, `${place} of another group`);
    }
    if (process.getuid?.() !== 0) continue;
    chmodSync(join(root, place), 0o755);
    chownSync(join(root, place), 65_534, 65_534);
    if (trusted) t.match(await load('guest', join(root, 'a/b')), { name: 'guest' }, place);
    else
      await t.rejects(
        load('guest', join(root, 'a/b')),
        { code: 'PLUGIN_UNTRUSTED', message: /belongs to uid 65534, not to you/ },
        place,
      );
  }
});

test('a plugin beside code of somebody else, or reached by a link in a folder that others can write, is refused', async (t) => {
  const root = tree(t, { 'own/mine.mjs': module_('mine'), 'own/part.mjs': 'export const x = 1;\n', 'links/other': '' });
  const mine = join(root, 'own', 'mine.mjs');
  t.match(await load(mine, root), { name: 'mine' });
  symlinkSync(mine, join(root, 'links', 'mine.mjs'));
  t.match(await load(join(root, 'links', 'mine.mjs'), root), { name: 'mine' });
  chmodSync(join(root, 'links'), 0o777);
  await t.rejects(load(join(root, 'links', 'mine.mjs'), root), {
    code: 'PLUGIN_UNTRUSTED',
    message: /links can be written by others/,
  });
  chmodSync(join(root, 'links'), 0o1777);
  t.match(
    await load(join(root, 'links', 'mine.mjs'), root),
    { name: 'mine' },
    'nobody can replace a link in a sticky folder',
  );
  chmodSync(join(root, 'own', 'part.mjs'), 0o666);
  await t.rejects(load(mine, root), { code: 'PLUGIN_UNTRUSTED', message: /part\.mjs can be written by others/ });
});
