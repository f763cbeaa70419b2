import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Test, test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { keepTalking } from '../faults/talk.ts';
import { findChromium, openTab } from '../fixtures/chromium.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { BACKEND_COMMAND, ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { foreignGroup } from '../fixtures/foreign-group.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startDaemon, writeConfig } from './daemon.ts';

const module_ = "export default { name: 'p', relay: () => ({}) };\n";

test('what a daemon at work does not trust is refused by name, and its relays to a container go on', async (t) => {
  const container = await startContainer(t);
  const home = homeOf(t);
  const file = (name: string, text = module_, mode = 0o600): string => {
    mkdirSync(dirname(join(home, name)), { recursive: true, mode: 0o755 });
    writeFileSync(join(home, name), text, { mode });
    chmodSync(join(home, name), mode);
    return join(home, name);
  };
  const manifest = (main: string) => JSON.stringify({ name: 'x', version: '1.0.0', type: 'module', main });
  const good = { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] };
  const plugins = [{ use: 'launch', recipe: 'mains', command: `exec ${BACKEND_COMMAND} serve --port={port}` }];
  const box = { host: 'test', forwards: ['0:backend'], plugins };
  const daemon = await startDaemon(t, container, { good, box });
  for (const relay of ['good', 'box']) await daemon.reach(relay, 'connected', 60_000);
  const talks = keepTalking(await daemon.port('good'));
  const reload = (relays: object) => {
    writeConfig(t, container, { good, box, ...relays });
    return runTowline(t, ['reload']);
  };

  const relaysOf = (uses: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(uses).map(([name, use]) => [name, { ...good, plugins: [use] }]));
  type Refused = readonly [use: string, code: string, message: RegExp];
  /** Each relay whose plugin is this one is blocked for this reason; they are taken out again. */
  const blocked = async (one: Test, rows: Readonly<Record<string, Refused>>): Promise<void> => {
    const uses = Object.fromEntries(Object.entries(rows).map(([name, [use]]) => [name, use]));
    one.match(await reload(relaysOf(uses)), { code: 0, stderr: '' });
    const client = openClient(join(home, 'run', 'towline.sock'));
    for (const [name, [, code, message]] of Object.entries(rows)) {
      const standing = async () => (await client.status()).relays.find((relay) => relay.name === name)?.standing;
      await waitUntil(`${name} is blocked`, async () => (await standing())?.word === 'blocked', { every: 50 });
      one.match((await standing())?.fault, { code, message }, name);
    }
    one.match(await reload({}), { code: 0 });
  };

  await t.test(
    'a pattern that some text could keep busy, and what is no path of a plugin, are errors of the config',
    async (one) => {
      const token = { use: 'token', from: 'output', pattern: '(a+)+$' };
      const names = [
        'node:child_process',
        'data:text/javascript,1',
        'http://127.0.0.1/x.js',
        'file:///tmp/x.js',
        'out/../../x.js',
        '@me/../../x.js',
        '@../x',
        'out/..',
      ];
      const { code, stderr } = await reload({ busy: { ...good, plugins: [token, ...names] } });
      one.equal(code, 78);
      one.match(stderr, /busy\.plugins\[0\]\.pattern: this pattern is refused: it repeats a group/);
      for (const name of names) one.ok(stderr.includes(`"${name}" is not allowed`), name);
      one.match(stderr, /keeping the running configuration/);
      one.equal((await daemon.status('good')).standing.word, 'connected');
    },
  );

  await t.test('a plugin that leads elsewhere, or that others can write, blocks its own relay', async (one) => {
    file('node_modules/plugins/package.json', manifest('../plugins-evil/index.js'));
    file('node_modules/plugins-evil/index.js');
    file('node_modules/linked/package.json', manifest('index.js'));
    symlinkSync(file('out.js'), join(home, 'node_modules/linked/index.js'));
    file('open/plugin.mjs');
    chmodSync(join(home, 'open'), 0o777);
    file('beside/plugin.mjs');
    file('beside/part.mjs', 'export const x = 1;\n', 0o666);
    await blocked(one, {
      prefix: ['plugins', 'PLUGIN_UNTRUSTED', /package plugins leads out of its folder, to .*plugins-evil/],
      link: ['linked', 'PLUGIN_UNTRUSTED', /package linked leads out of its folder, to .*out\.js/],
      writable: [file('writable.mjs', module_, 0o666), 'PLUGIN_UNTRUSTED', /writable\.mjs can be written by others/],
      folder: ['./open/plugin.mjs', 'PLUGIN_UNTRUSTED', /open can be written by others \(0777\)/],
      beside: ['./beside/plugin.mjs', 'PLUGIN_UNTRUSTED', /part\.mjs can be written by others/],
    });
  });

  await t.test(
    'a plugin that a group can write, or that somebody else owns a part of, blocks its own relay',
    async (one) => {
      const gid = foreignGroup();
      if (gid === null) return void one.pass('this user may give a file to no other group');
      const own = process.getuid?.() ?? -1;
      const owned = (name: string, mode: number, uid = own, text = module_): string => {
        chownSync(file(name, text), uid, gid);
        chmodSync(join(home, name), mode);
        return `./${name}`;
      };
      owned('group/part.mjs', 0o620, own, 'export const x = 1;\n');
      file('group/plugin.mjs');
      file('shared/plugin.mjs');
      chownSync(join(home, 'shared'), own, gid);
      chmodSync(join(home, 'shared'), 0o775);
      await blocked(one, {
        file: [owned('grouped.mjs', 0o620), 'PLUGIN_UNTRUSTED', /grouped\.mjs can be written by others \(0620\)/],
        folder: ['./shared/plugin.mjs', 'PLUGIN_UNTRUSTED', /shared can be written by others \(0775\)/],
        beside: ['./group/plugin.mjs', 'PLUGIN_UNTRUSTED', /part\.mjs can be written by others \(0620\)/],
      });
      if (own !== 0) return void one.pass('only root may give a file away');
      owned('theirs/part.mjs', 0o600, 65_534, 'export const x = 1;\n');
      file('theirs/plugin.mjs');
      file('yours/plugin.mjs');
      chownSync(join(home, 'yours'), 65_534, 0);
      const theirs = /belongs to uid 65534, not to you; plugins are code, copy it and own it/;
      await blocked(one, {
        file: [owned('foreign.mjs', 0o600, 65_534), 'PLUGIN_UNTRUSTED', theirs],
        folder: ['./yours/plugin.mjs', 'PLUGIN_UNTRUSTED', theirs],
        beside: ['./theirs/plugin.mjs', 'PLUGIN_UNTRUSTED', theirs],
      });
    },
  );

  await t.test('a path may lead anywhere where nobody else can write, and a name only to a package', async (one) => {
    // What stands in the config is the user's own word: only what others could have changed is refused.
    const away = makeTemp(t, 'away');
    writeFileSync(join(away, 'away.mjs'), module_, { mode: 0o600 });
    file('conf/deep/link.mjs', '');
    rmSync(join(home, 'conf/deep/link.mjs'));
    symlinkSync(join(away, 'away.mjs'), join(home, 'conf/deep/link.mjs'));
    const up = relative(home, join(away, 'away.mjs'));
    one.match(up, /^\.\.\//);
    const uses = { absolute: join(away, 'away.mjs'), up, through: './conf/../conf/deep/link.mjs' };
    one.match(await reload(relaysOf(uses)), { code: 0, stderr: '' });
    for (const name of Object.keys(uses)) await daemon.reach(name, 'connected');
    chmodSync(join(away, 'away.mjs'), 0o602);
    const open = /away\.mjs can be written by others \(0602\)/;
    const rows = Object.entries(uses).map(([name, use]) => [`${name}-open`, [use, 'PLUGIN_UNTRUSTED', open] as const]);
    await blocked(one, Object.fromEntries(rows));
    const { code, stderr } = await reload(relaysOf({ name: 'plugins/../../away.mjs' }));
    one.equal(code, 78);
    one.match(stderr, /"plugins\/\.\.\/\.\.\/away\.mjs" is not allowed/);
  });

  await t.test(
    'the token of a backend leaves in a private page that is gone afterwards, and is one that nobody guesses',
    async (one) => {
      const token = (await runTowline(t, ['token', 'box', '--print'])).stdout.trim();
      one.match(token, /^[\w-]{43}$/);
      const seen = join(home, 'seen');
      file(
        'bin/xdg-open',
        `#!/bin/sh\nstat -c %a "$1" >${seen}.mode; cat "$1" >${seen}; echo "$1" >${seen}.name\n`,
        0o755,
      );
      const env = { PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}` };
      one.match(await runTowline(t, ['open', 'box'], { env }), { code: 0, stdout: '', stderr: '' });
      one.equal(readFileSync(`${seen}.mode`, 'utf8'), '600\n');
      one.match(readFileSync(seen, 'utf8'), `:${await daemon.port('box')}/?token=${token}`);
      one.match(readFileSync(seen, 'utf8'), 'name="referrer" content="no-referrer"');
      one.notOk(existsSync(readFileSync(`${seen}.name`, 'utf8').trim()));
      const page = file('seen.html', readFileSync(seen, 'utf8'));
      const tab = await openTab(t, findChromium() ?? 'chromium', pathToFileURL(page).href);
      await tab.until(`location.href.startsWith('http://127.0.0.1:${await daemon.port('box')}/')`);
      const { entries } = await tab.command('Page.getNavigationHistory');
      one.notMatch(JSON.stringify(entries), /seen\.html/, 'no way leads back to the private page');
      one.notOk(readFileSync(`${seen}.name`, 'utf8').includes(token));
      const old = (await daemon.status('box')).lanes[0]?.backend?.run;
      await container.killBackends();
      await runTowline(t, ['restart', 'box']);
      await daemon.reach('box', 'connected', 60_000);
      one.not((await daemon.status('box')).lanes[0]?.backend?.run, old);
      one.not((await runTowline(t, ['token', 'box', '--print'])).stdout.trim(), token, 'each run has its own');
    },
  );

  const { count, longest } = await talks();
  t.ok(count > 0);
  t.comment(`measured over its relay ${count} words, the longest ${Math.round(longest)} ms`);
});
