import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';
import { loadGuest } from '../../../src/core/plugin/load.ts';
import { makeTemp } from '../../fixtures/temp.ts';

const good = "export default { name: 'mine', options: { parse: (v) => ({ n: Number(v.n) }) }, relay: () => ({}) };\n";

test('a plugin is loaded by built-in name, or by its path', async (t) => {
  const dir = makeTemp(t, 'plugin');
  writeFileSync(join(dir, 'mine.mjs'), good, { mode: 0o600 });
  t.match(await loadGuest({ use: join(dir, 'mine.mjs'), options: { n: '3' } }, {}), {
    name: 'mine',
    options: { n: 3 },
  });
  const builtins = { mine: { url: pathToFileURL(join(dir, 'mine.mjs')).href, wholeEnvironment: false } };
  t.match(await loadGuest({ use: 'mine', options: {} }, builtins), { name: 'mine' });
});

test('what is not a trusted plugin is refused by name', async (t) => {
  const dir = makeTemp(t, 'plugin');
  const write = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), mode);
  };
  mkdirSync(join(dir, 'shared'));
  write('shared/shared.mjs', good, 0o666);
  write('throws.mjs', "throw new Error('at load');\n");
  write('alone.mjs', "import { Fault } from 'towline/plugin';\nexport default Fault;\n");
  write('other.mjs', "import 'nowhere-at-all';\n");
  write('syntax.mjs', 'export default {{\n');
  write('empty.mjs', 'export const x = 1;\n');
  write(
    'strict.mjs',
    "export default { name: 's', options: { parse() { throw new Error('n: expected a number') } }, relay: () => ({}) };\n",
  );
  write('data.json', '{}\n');
  write('nested.mjs', "import './data.json';\nexport default 1;\n");
  write('plain.mjs', "export default { name: 'p', relay: () => ({}) };\n");
  mkdirSync(join(dir, 'open'));
  writeFileSync(join(dir, 'open', 'mine.mjs'), good, { mode: 0o600 });
  chmodSync(join(dir, 'open'), 0o777);
  symlinkSync(join(dir, 'shared', 'shared.mjs'), join(dir, 'link.mjs'));
  const rows: readonly (readonly [string, Record<string, unknown>, string, RegExp])[] = [
    ['nobody', {}, 'PLUGIN_NOT_FOUND', /no plugin is called "nobody"; built-in are: same-user/],
    ['__proto__', {}, 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['node:child_process', {}, 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['data:text/javascript,1', {}, 'PLUGIN_NOT_FOUND', /no plugin is called/],
    ['./missing.mjs', {}, 'PLUGIN_NOT_FOUND', /no plugin file ".*\/missing\.mjs"/],
    ['./shared/shared.mjs', {}, 'PLUGIN_UNTRUSTED', /shared\.mjs can be written by others \(0666\); chmod go-w/],
    ['./link.mjs', {}, 'PLUGIN_UNTRUSTED', /shared\.mjs can be written by others/],
    ['./open/mine.mjs', {}, 'PLUGIN_UNTRUSTED', /open can be written by others \(0777\)/],
    ['./throws.mjs', {}, 'PLUGIN_FAILED', /cannot be loaded from \/.*throws\.mjs:1: at load/],
    ['./alone.mjs', {}, 'PLUGIN_FAILED', /Cannot find package 'towline' .*; `npm link towline` in \/.* puts it there$/],
    ['./other.mjs', {}, 'PLUGIN_FAILED', /Cannot find package 'nowhere-at-all' .*; `npm install nowhere-at-all` in \//],
    ['./syntax.mjs', {}, 'PLUGIN_FAILED', /cannot be loaded from \/.*syntax\.mjs:1: Unexpected token/],
    ['./empty.mjs', {}, 'PLUGIN_FAILED', /no default export/],
    ['./shared', {}, 'PLUGIN_FAILED', /^plugin \/.*\/shared is a folder; name the JavaScript file in it$/],
    ['./data.json', {}, 'PLUGIN_FAILED', /^plugin \/.*\/data\.json is JSON, which can do nothing; name a Java/],
    ['./nested.mjs', {}, 'PLUGIN_FAILED', /cannot be loaded from [^?]*nested\.mjs: [^?]*data\.json[^?]*; mend it$/],
    ['./strict.mjs', { n: 'x' }, 'CONFIG_INVALID', /plugin s refuses its options: n: expected a number/],
    ['./plain.mjs', { colour: 1 }, 'CONFIG_INVALID', /plugin p takes no option "colour"/],
  ];
  for (const [use, options, code, message] of rows) {
    const place = use.startsWith('./') ? join(dir, use) : use;
    await t.rejects(
      loadGuest({ use: place, options }, { 'same-user': { url: 'file:///x', wholeEnvironment: false } }),
      { code, message },
      use,
    );
  }
});

test('what is wrong with the options of a plugin is told with its place in the config', async (t) => {
  const file = join(makeTemp(t, 'plugin'), 'plain.mjs');
  writeFileSync(file, 'export default { name: "p", relay: () => ({}) };\n', { mode: 0o600 });
  const place = '/c/towline.json:12:9 relays.web.plugins[0]';
  await t.rejects(loadGuest({ use: file, place, options: { colour: 1 } }, {}), {
    code: 'CONFIG_INVALID',
    message: `${place}: plugin p takes no option "colour"; remove it`,
  });
});

test('a mended plugin loads in the process in which it failed', async (t) => {
  const file = join(makeTemp(t, 'plugin'), 'mended.mjs');
  writeFileSync(file, 'export default {{\n', { mode: 0o600 });
  await t.rejects(loadGuest({ use: file, options: {} }, {}), { code: 'PLUGIN_FAILED' });
  writeFileSync(file, good);
  utimesSync(file, 1, 1);
  t.match(await loadGuest({ use: file, options: { n: 1 } }, {}), { name: 'mine' });
});
