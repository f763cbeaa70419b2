import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { keepTalking } from '../faults/talk.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { BACKEND_COMMAND, ECHO_PORT, startContainer } from '../fixtures/container.ts';
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

  await t.test(
    'a pattern that some text could keep busy, and what is no path of a plugin, are errors of the config',
    async (one) => {
      const token = { use: 'token', from: 'output', pattern: '(a+)+$' };
      const names = ['node:child_process', 'data:text/javascript,1', 'http://127.0.0.1/x.js', 'out/../../x.js'];
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
    const rows: Readonly<Record<string, readonly [string, string, RegExp]>> = {
      prefix: ['plugins', 'PLUGIN_UNTRUSTED', /package plugins leads out of its folder, to .*plugins-evil/],
      link: ['linked', 'PLUGIN_UNTRUSTED', /package linked leads out of its folder, to .*out\.js/],
      writable: [file('writable.mjs', module_, 0o666), 'PLUGIN_UNTRUSTED', /writable\.mjs can be written by others/],
      folder: ['./open/plugin.mjs', 'PLUGIN_UNTRUSTED', /open can be written by others \(0777\)/],
      beside: ['./beside/plugin.mjs', 'PLUGIN_UNTRUSTED', /part\.mjs can be written by others/],
    };
    const relays = Object.fromEntries(Object.entries(rows).map(([name, [use]]) => [name, { ...good, plugins: [use] }]));
    one.match(await reload(relays), { code: 0, stderr: '' });
    const client = openClient(join(home, 'run', 'towline.sock'));
    for (const [name, [, code, message]] of Object.entries(rows)) {
      const standing = async () => (await client.status()).relays.find((relay) => relay.name === name)?.standing;
      await waitUntil(`${name} is blocked`, async () => (await standing())?.word === 'blocked', { every: 50 });
      one.match((await standing())?.fault, { code, message }, name);
    }
    one.match(await reload({}), { code: 0 });
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
